"""``snapshot``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import snapshot as show


@app.command()
def snapshot(
    dataset: DatasetUrl,
    view: Annotated[
        str | None, typer.Option(help="Pin what this view reads; all samples and layers if not given.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it was for, in your words.")] = "",
    tars: Annotated[
        bool, typer.Option("--tars", help="Read the tars too, and pin their SHA-256; else their size is pinned.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pin what a run reads of DATASET: files with their hashes, layers, and which samples are served.

    humanverse verify DATASET --against N says later what has changed since.
    """
    from pipelines.snapshot import snapshot as run

    number, card = run(dataset, view, name, tars)
    if as_json:
        print_json(show.snapshot_json(number, card))
    else:
        show.snapshot(dataset, number, card)
