"""What a dataset is: ``status``, ``verify``, ``stats``, ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import dataset as show

View = Annotated[str | None, typer.Option("--view", help="Only the samples that this view has.")]


@app.command()
def status(dataset: DatasetUrl, as_json: Json = False) -> None:
    """How far DATASET is: shards, the funnel of its rows, its layers."""
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.status import status as read

    found = read(Dataset(dataset))
    if as_json:
        print_json(found.as_json())
    else:
        show.status(found, dataset)


@app.command()
def verify(
    dataset: DatasetUrl,
    against: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Say what has changed since snapshot N instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every invariant of DATASET; exit with 1 if one is broken.

    With --against, exit with 1 if anything that the snapshot pins has changed; what came beside it is only told.
    """
    if against is not None:
        _verify_against(dataset, against, as_json)
        return
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.verify import verify as check

    report = check(Dataset(dataset))
    if as_json:
        print_json(show.verify_json(report))
    else:
        show.verify(report)
    if not report.sound:
        raise typer.Exit(1)


def _verify_against(dataset: str, number: int, as_json: bool) -> None:
    from pipelines.show import snapshot
    from pipelines.snapshot import verify_against

    found = verify_against(dataset, number)
    if as_json:
        print_json(found.as_json())
    else:
        snapshot.comparison(found)
    if not found.same:
        raise typer.Exit(1)


@app.command()
def stats(dataset: DatasetUrl, view: View = None, as_json: Json = False) -> None:
    """Distributions of what DATASET holds."""
    from humanverse.dataset.reader import Dataset
    from humanverse.dataset.stats import stats as collect

    found = collect(Dataset(dataset), view)
    if as_json:
        print_json(found)
    else:
        show.stats(found)


@app.command()
def report(
    dataset: DatasetUrl,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; DATASET-report.html beside a local one if not given.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many pictures to show.")] = 48,
    view: View = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[=NAME]",
            help="A layer to show samples with, once per layer; of other kinds the view's, or the recipe's.",
        ),
    ] = None,
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
    write(opened, out, samples, view, [layer.replace("=", "/", 1) for layer in layers or ()])
    if as_json:
        print_json({"report": str(out)})
    else:
        typer.echo(f"report: {out}")
