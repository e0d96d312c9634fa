"""``annotate``, ``drop``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import annotate as show
from pipelines.show.import_coco import result as show_import

if TYPE_CHECKING:
    from pipelines.plan_layers import Asked

Kinds = Annotated[
    list[str],
    typer.Argument(metavar="KIND[=ANNOTATOR]...", help="Layers, such as pose, or text=rapidocr-detector."),
]


@app.command()
def annotate(
    dataset: DatasetUrl,
    kinds: Kinds,
    as_: Annotated[
        list[str], typer.Option("--as", metavar="KIND=NAME", help="The layer's name; the annotator's if not given.")
    ] = [],  # noqa: B006
    set_: Annotated[
        list[str], typer.Option("--set", metavar="KIND.KEY=VALUE", help="A setting of the annotator.")
    ] = [],  # noqa: B006
    reads: Annotated[
        list[str], typer.Option(metavar="KIND=NAME", help="Which layer of a kind is read, where there are several.")
    ] = [],  # noqa: B006
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="[KIND=]WEIGHTS",
            help="A file or folder of your own, hf:OWNER/REPO@REVISION, or https://…#sha256=… instead of its weights.",
        ),
    ] = [],  # noqa: B006
    outpaint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Grow pictures before they are looked at: sd2-inpainting, edge; none leaves the recipe's out.",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only look at so many samples, and write a page; DATASET is not touched.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="With --sample: where to write the page.")] = None,
    from_coco: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ground truth instead of annotators: COCO JSON with people; KIND=NAME names layers."
        ),
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With --from-coco: says which picture each is; else file names do."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:0, auto; the recipe's if not given.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="As many as fit if not given.")] = None,
    local: Annotated[bool, typer.Option("--local", help="In this process, without Ray.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any shard has not got its layers.")] = False,
    as_json: Json = False,
) -> None:
    """Add layers to DATASET, or complete them: every shard gets those that it lacks, and nothing else is touched.

    KIND alone is the recipe's annotator of that kind (of rendered people the lite preset's), or the only one there is; your own
    is KIND=module:Class.

    Exit code 1: nothing worked, or of one of the layers no row. 2: something to mend, in one line.
    """
    from humanverse.errors import UserError

    if from_coco is not None:
        if as_ or set_ or reads or weights or outpaint or sample is not None:
            raise UserError(
                "--from-coco runs no annotator: leave --as, --set, --reads, --weights, --outpaint and --sample out"
            )
        _from_coco(dataset, kinds, from_coco, match, as_json)
        return
    if match is not None:
        raise UserError("--match says which picture of a COCO file each is: give --from-coco FILE too, or leave it out")
    asked = _asked(kinds, as_, set_, reads, weights, outpaint)
    if out is not None and sample is None:
        raise UserError("--out is where the page of --sample goes: give --sample too, or leave it out")
    if sample is not None:
        _preview(dataset, asked, sample, out, device, as_json)
        return
    from pipelines.annotate import annotate as run

    result = run(dataset, asked, device=device, workers=workers, local=local)
    if as_json:
        print_json(show.result_json(result))
    else:
        show.result(result, dataset)
    if result.nothing_worked or result.silent or (strict and result.lost):
        raise typer.Exit(1)


def _from_coco(dataset: str, kinds: Sequence[str], file: Path, match: str | None, as_json: bool) -> None:
    from pipelines.import_coco import import_coco

    result = import_coco(dataset, file, _once(kinds, "coco"), match)
    if as_json:
        print_json(result.as_json())
    else:
        show_import(result, dataset)
    if result.samples and not result.matched:
        raise typer.Exit(1)


def _once(kinds: Sequence[str], usual: str) -> dict[str, str]:
    """kind -> name, of KIND[=NAME]; ``usual`` where none is given."""
    from humanverse.errors import UserError

    found: dict[str, str] = {}
    for text in kinds:
        kind, _, name = text.partition("=")
        if kind in found:
            raise UserError(f"two layers of kind {kind}: run the command once for each")
        found[kind] = name or usual
    return found


def _preview(dataset: str, asked: Asked, sample: int, out: Path | None, device: str | None, as_json: bool) -> None:
    from pipelines.preview import preview

    found = preview(dataset, asked, sample, out, device)
    if as_json:
        print_json(show.preview_json(found))
    else:
        show.preview(found, dataset)


def _asked(
    kinds: Sequence[str],
    as_: Sequence[str],
    set_: Sequence[str],
    reads: Sequence[str],
    weights: Sequence[str],
    outpaint: str | None,
) -> Asked:
    from humanverse.errors import UserError
    from pipelines.plan_layers import Asked
    from schemas.recipe_outpaint import OUTPAINT

    annotators: dict[str, str | None] = {}
    for text in kinds:
        kind, _, name = text.partition("=")
        if kind in annotators:
            same = f", with --as {kind}=NAME" if name in ("", annotators[kind]) or not annotators[kind] else ""
            raise UserError(f"two layers of kind {kind}: run the command once for each{same}")
        annotators[kind] = name or None
    named = [*annotators, *([OUTPAINT] if outpaint else [])]
    return Asked(
        annotators, _pairs("--as", as_), _settings(set_), _weights(weights, named), _pairs("--reads", reads), outpaint
    )


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    from humanverse.errors import UserError

    found: dict[str, str] = {}
    for text in texts:
        kind, _, name = text.partition("=")
        if not kind or not name or kind in found:
            raise UserError(f"{option} {text}: give KIND=NAME, once for each kind")
        found[kind] = name
    return found


def _settings(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    import yaml

    from humanverse.errors import UserError

    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        kind, dot, key = name.partition(".")
        if not (kind and dot and key and equals):
            raise UserError(f"--set {text}: give KIND.KEY=VALUE, such as person.min_score=0.3")
        try:
            found.setdefault(kind, {})[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UserError(f"--set {text}: the value is not YAML") from error
    return found


def _weights(texts: Sequence[str], kinds: Sequence[str]) -> list[tuple[str | None, str]]:
    """(kind, path); what stands before ``=`` is a kind if a layer of it is asked for. Else the text must be a path, for these may
    hold ``=``."""
    from humanverse.errors import UserError

    found: list[tuple[str | None, str]] = []
    for text in texts:
        kind, _, given = text.partition("=")
        if not (kind in kinds and given) and re.fullmatch(r"\w+=.*", text) and not Path(text).expanduser().exists():
            raise UserError(f"--weights {text}: there is no kind {kind} in this command: it has {', '.join(kinds)}")
        found.append((kind, given) if kind in kinds and given else (None, text))
    return found


@app.command()
def drop(
    dataset: DatasetUrl,
    layer: Annotated[str, typer.Argument(metavar="KIND=NAME", help="The layer, such as pose=movenet-mediapipe.")],
    force: Annotated[bool, typer.Option("--force", help="Also if a view or another layer is made with it.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a layer of DATASET: every file of it, and no other."""
    from pipelines.drop import drop as run

    found = run(dataset, layer, force)
    if as_json:
        print_json(show.dropped_json(found))
    else:
        show.dropped(found, dataset)
