"""``studio``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app


@app.command()
def studio(
    model: Annotated[
        str,
        typer.Option(metavar="RUN", help="Stage 1: a run of train structure, one of its checkpoints, or a pipeline."),
    ],
    refiner: Annotated[str | None, typer.Option(metavar="RUN", help="Stage 2: likewise, of train refiner.")] = None,
    data: Annotated[str | None, typer.Option(metavar="DATASET", help="Whose skeletons can be chosen.")] = None,
    pose_layer: Annotated[str, typer.Option(metavar="NAME", help="The pose layer of a dataset with several.")] = "pose",
    view: Annotated[str | None, typer.Option(help="Of the dataset: only samples that it has.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the pictures there, as generate writes them.")
    ] = None,
    host: Annotated[str, typer.Option(help="To listen on; 0.0.0.0 for whoever reaches this machine.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="To listen on; the first free one from 7860 if not given.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; a GPU if there is one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, float16; bfloat16 on a GPU.")] = None,
    watermark: Annotated[bool, typer.Option("--watermark/--no-watermark", help="The invisible mark.")] = True,
) -> None:
    """A page in the browser: draw or choose a skeleton, type a prompt, look at the pictures. Runs until Ctrl-C.

    It listens on this machine alone unless told otherwise, and loads nothing from the internet.
    """
    from pipelines import generate
    from pipelines import studio as job

    job.require_gradio()
    generator = generate.generator_of(model, refiner, device, dtype, watermark)
    source = None if data is None else job.Source(data, generate.pose_layer(pose_layer), view)
    job.studio(generator, source, out, host, port)
