"""``dedup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import build as show


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
        print_json(result.as_json())
    else:
        show.dedup(result, dataset)
