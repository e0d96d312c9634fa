"""The command line: what a user types, checked and handed on. Each command imports what it needs when it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import show

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
_USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")

app = typer.Typer(
    name="humanverse",
    help="Build, check and look at annotated datasets of human images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
models = typer.Typer(help="The weights that the annotators load.", no_args_is_help=True)
app.add_typer(models, name="models")

DatasetUrl = Annotated[
    str, typer.Argument(metavar="DATASET", help="A folder, or a bucket prefix such as s3://bucket/people.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _version(wanted: bool) -> None:
    if wanted:
        import humanverse

        typer.echo(f"humanverse {humanverse.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    pass


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


@app.command()
def build(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE... DATASET", help="URL tables (Parquet, CSV, JSONL, text), images or tars; then the place."
        ),
    ],
    recipe: Annotated[Path | None, typer.Option(help="YAML: thresholds, annotators, resources.")] = None,
    preset: Annotated[str, typer.Option(help="What the recipe starts from: lite.")] = "lite",
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Source kind: table, folder, webdataset, img2dataset; guessed if not given."),
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(
            metavar="REASONS",
            help="Try only rows again that ended so, such as timeout,dns,http_5xx; settings of fetch may be other ones.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers of each stage; as many as fit if not given.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="In this process, without Ray.")] = False,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Fetch from private addresses too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any shard is not committed.")] = False,
    as_json: Json = False,
) -> None:
    """Build DATASET from SOURCE, or go on where it stopped: fetch, keep what shows people, annotate, commit.

    With --retry, only what failed before: those rows get shards of their own, which count instead of the old rows.

    Exit code 1: nothing worked (no shard was committed, or no picture could be had). 2: something to mend, in one line.

    With --retry, that every row fails again is no fault: 0, if a shard was committed or there is nothing to retry.
    """
    from humanverse.errors import UserError
    from pipelines.build import build as run
    from schemas.recipe import load

    if len(places) < 2:
        raise UserError("build needs a SOURCE and a DATASET: humanverse build urls.parquet people/")
    overrides: dict[str, Any] = {"source": {"kind": from_}} if from_ else {}
    try:
        settings = load(preset, recipe, overrides)
    except ValueError as error:
        raise UserError(str(error)) from error
    reasons = [] if retry is None else [reason.strip().lower() for reason in retry.split(",")]
    result = run(
        places[:-1], places[-1], settings, workers=workers, local=local, allow_private=allow_private, retry=reasons
    )
    if as_json:
        _print_json(show.result_json(result))
    else:
        show.result(result, places[-1])
    if result.nothing_worked or (strict and result.lost):
        raise typer.Exit(1)


@app.command()
def status(dataset: DatasetUrl, as_json: Json = False) -> None:
    """How far DATASET is: shards, the funnel of its rows, its layers."""
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.status import status as read

    found = read(Dataset(dataset))
    if as_json:
        _print_json(found.as_json())
    else:
        show.status(found)


@app.command()
def verify(dataset: DatasetUrl, as_json: Json = False) -> None:
    """Check every invariant of DATASET; exit with 1 if one is broken."""
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.verify import verify as check

    report = check(Dataset(dataset))
    if as_json:
        _print_json(show.verify_json(report))
    else:
        show.verify(report)
    if not report.sound:
        raise typer.Exit(1)


@app.command()
def dedup(
    dataset: DatasetUrl,
    distance: Annotated[
        int, typer.Option(min=0, max=16, help="Bits in which the perceptual hashes of two that are alike may differ.")
    ] = 4,
    keep: Annotated[
        str, typer.Option(help="Which of a group stays: first (lowest source row), largest (most original pixels).")
    ] = "first",
    view: Annotated[str, typer.Option(help="The view to write; one that dedup made before is replaced.")] = "dedup",
    block_lists: Annotated[
        Path | None, typer.Option(help="A folder for the hashes of what comes often, as block-lists for other builds.")
    ] = None,
    block_from: Annotated[int, typer.Option(min=2, help="How many times make often.")] = 10,
    as_json: Json = False,
) -> None:
    """Find near and exact duplicates across all shards of DATASET, and write a view that has one of each.

    No picture is touched. Readers choose the view: humanverse.open(DATASET).samples(view="dedup"). Shards that come later
    are not in it until dedup has run again.
    """
    from pipelines.dedup import dedup as run

    result = run(dataset, distance, keep, view, block_lists, block_from)
    if as_json:
        _print_json(result.as_json())
    else:
        show.dedup(result, dataset)


@app.command()
def stats(dataset: DatasetUrl, as_json: Json = False) -> None:
    """Distributions of what DATASET holds."""
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.stats import stats as collect

    found = collect(Dataset(dataset))
    if as_json:
        _print_json(found)
    else:
        show.stats(found)


@app.command()
def report(
    dataset: DatasetUrl,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; DATASET-report.html beside a local one if not given.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many pictures to show.")] = 48,
    as_json: Json = False,
) -> None:
    """Write one self-contained HTML page: funnel, distributions, samples with what was found drawn on them."""
    from humanverse.dataset.reader import Dataset
    from humanverse.errors import UserError
    from humanverse.report import write

    opened = Dataset(dataset)
    if out is None:
        if not opened.store.local:
            raise UserError(f"{dataset} is not on this machine: say where the page goes with --out report.html")
        out = Path(opened.store.root).with_name(Path(opened.store.root).name + "-report.html")
    write(opened, out, samples)
    if as_json:
        _print_json({"report": str(out)})
    else:
        typer.echo(f"report: {out}")


@app.command()
def annotators(
    name: Annotated[
        str | None, typer.Argument(metavar="[KIND=NAME]", help="One of them, with everything about it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What can annotate here, what it needs, and its licence."""
    from annotators import registry
    from humanverse.errors import UserError

    cards = registry.cards()
    if name:
        cards = [card for card in cards if name in (f"{card.kind}={card.name}", card.layer, card.name, card.kind)]
        if not cards:
            raise UserError(f"no annotator {name}: humanverse annotators lists them")
    found = [
        show.card_json(
            card, registry.get(card.kind, card.name).Settings().model_dump(), registry.missing_packages(card)
        )
        for card in cards
    ]
    if as_json:
        _print_json(found)
    else:
        show.cards(found, in_full=name is not None)


def _weights(kind: str | None) -> list[Any]:
    from annotators import registry
    from humanverse.errors import UserError

    found = {
        weight.spec: weight
        for card in registry.cards()
        if kind in (None, card.kind, card.name)
        for weight in card.weights
    }
    if not found and kind:
        raise UserError(f"no weights for {kind}: humanverse models list shows all")
    return list(found.values())


Which = Annotated[str | None, typer.Argument(metavar="[KIND]", help="Only for this kind or annotator.")]


@models.command("list")
def models_list(kind: Which = None, as_json: Json = False) -> None:
    """All weights: where they come from, how large they are, whether they are here."""
    from annotators.weights import listing

    found = [show.weight_json(item) for item in listing(_weights(kind))]
    if as_json:
        _print_json(found)
    else:
        show.weights(found)


@models.command("pull")
def models_pull(kind: Which = None) -> None:
    """Download what is not here yet, checked against its SHA-256."""
    from annotators.weights import obtain

    for weight in _weights(kind):
        typer.echo(f"{obtain(weight)}  {weight.spec}")


@models.command("path")
def models_path() -> None:
    """The folder in which weights are kept."""
    from annotators.weights import cache_root

    typer.echo(str(cache_root()))


def _complain(message: str) -> None:
    typer.echo(f"humanverse: {message}", err=True)


def _named() -> str:
    """The command whose words could not be parsed, as the user named it."""
    command: Any = typer.main.get_command(app)
    path = ["humanverse"]
    for word in sys.argv[1:]:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        path.append(word)
    return " ".join(path)


def main() -> None:
    """Run the command line; an error that a user can mend is one line and exit code 2."""
    from humanverse.errors import UserError

    try:
        code = app(prog_name="humanverse", standalone_mode=False) or 0
    except UserError as error:
        _complain(str(error))
        code = 2
    except _USAGE_ERROR as error:
        if message := error.format_message():
            _complain(f"{message.rstrip('.')}: see {error.ctx.command_path if error.ctx else _named()} --help")
        code = 2
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED:
        _complain("stopped; run the same command again to go on")
    sys.exit(code)
