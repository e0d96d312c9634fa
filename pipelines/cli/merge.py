"""``merge``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import merge as show


class Layers(StrEnum):
    """Which layers are copied."""

    ALL = "all"
    BOTH = "both"


@app.command()
def merge(
    dataset: DatasetUrl,
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Complete datasets; they are only read.")],
    layers: Annotated[
        Layers, typer.Option(help="all: also layers that only OTHER has; both: only those that DATASET has too.")
    ] = Layers.ALL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Add to DATASET what each OTHER has and it has not: samples that are new, with their layers.

    No file of DATASET is changed. Nothing that both have is copied: its row says which sample here has the same bytes.

    Exit code 1: a shard of OTHER could not be read; the same command tries it again.
    """
    from pipelines.merge import merge as run

    result = run(dataset, others, layers is Layers.BOTH, dry_run)
    if as_json:
        print_json(result.as_json())
    else:
        show.merged(result)
    if result.lost:
        raise typer.Exit(1)
