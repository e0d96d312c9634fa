"""``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import compare as show


@app.command()
def compare(
    dataset: DatasetUrl,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="person, pose, depth, normal, caption, …")],
    a: Annotated[str, typer.Argument(metavar="NAME_A", help="The layer that is judged.")],
    b: Annotated[
        str, typer.Argument(metavar="NAME_B", help="The layer that it is compared with; ground truth goes here.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write a page with the samples that differ most, such as page.html.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many samples to name and show.")] = 24,
    view: Annotated[str | None, typer.Option(help="Compare only the samples of this view.")] = None,
    as_json: Json = False,
) -> None:
    """How far two layers of one KIND agree, and where they differ most; AP and AR where NAME_B is ground truth."""
    from pipelines.compare import compare as run

    result = run(dataset, kind, a, b, out, worst, view)
    if as_json:
        print_json(result.as_json())
    else:
        show.comparison(result)
