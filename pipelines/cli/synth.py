"""``synth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import build as show


@app.command()
def synth(
    dataset: Annotated[str, typer.Argument(metavar="OUT", help="The dataset to make: a folder, or a bucket prefix.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many pictures.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the series: the same seed gives the same pictures.")] = 0,
    size: Annotated[int, typer.Option(help="Sides of the square pictures, in pixels.")] = 512,
    backgrounds: Annotated[
        Path | None, typer.Option(help="A folder of photographs, behind 7 of 10 scenes; else all are made up.")
    ] = None,
    max_people: Annotated[int, typer.Option(min=1, max=3, help="People in a picture, at most.")] = 3,
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures per shard.")] = 100,
    device: Annotated[str, typer.Option(help="Where rays are cast: auto (a GPU if there is one), cpu, cuda.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render; as many as CPUs if not given.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="In this process, without Ray.")] = False,
    as_json: Json = False,
) -> None:
    """Render synthetic people, adults and dressed, into the dataset OUT, with exact ground truth as its layers.

    Layers: person, pose (133 points), depth (metres), normal, segmentation, caption, all named truth. Run again, the same
    command goes on where it stopped.
    """
    from pipelines.synth import settings_of
    from pipelines.synth import synth as run

    behind = str(backgrounds) if backgrounds else None
    settings = settings_of(size=size, backgrounds=behind, max_people=max_people, device=device)
    result = run(dataset, n, seed, settings, shard_size=shard_size, workers=workers, local=local)
    if as_json:
        print_json(show.result_json(result))
    else:
        show.result(result, dataset)
    if result.nothing_worked:
        raise typer.Exit(1)
