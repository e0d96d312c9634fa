"""``export``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import export as show


@app.command()
def export(
    dataset: DatasetUrl,
    out: Annotated[str, typer.Argument(metavar="OUT", help="An empty folder or bucket prefix, or an earlier export.")],
    format: Annotated[str, typer.Option("--format", help="webdataset, coco (COCO-WholeBody) or hf (Hugging Face).")],
    view: Annotated[str | None, typer.Option(help="Only the samples that this view has, with its layers.")] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[=NAME]", help="A layer to export, once per layer; all that need no choice if not given."
        ),
    ] = None,
    blur_faces: Annotated[
        bool, typer.Option("--blur-faces", help="Make faces unrecognisable; needs a person or pose layer.")
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="coco: keypoints with a higher confidence are labelled (v = 2), others are not (v = 0).  [default: 0]",
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            help="coco: people with a lower score have no annotation.  [default: the recipe's gate.person_score]",
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="hf: the licence of the whole, as the hub names it.  [default: other]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Export DATASET for others' tools, or bring an earlier export up to date.

    Run again with the same OUT, it writes only shards that changed, and deletes what was removed from DATASET since.
    """
    from humanverse.export.base import Settings
    from pipelines.export import export as run

    chosen = None if layers is None else tuple(layer.replace("=", "/", 1) for layer in layers)
    result = run(dataset, out, format, Settings(view, chosen, blur_faces, min_confidence, min_score, licence))
    if as_json:
        print_json(result.as_json())
    else:
        show.result(result)
