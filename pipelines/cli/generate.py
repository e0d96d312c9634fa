"""``generate``, and ``is-synthetic``, which tells whether a picture says that it was generated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import generate as show

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures.")]
Texts = list[str] | None


@app.command()
def generate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the pictures; what is there already stays.")],
    model: Annotated[
        str,
        typer.Option(metavar="RUN", help="Stage 1: a run of train structure, one of its checkpoints, or a pipeline."),
    ],
    refiner: Annotated[str | None, typer.Option(metavar="RUN", help="Stage 2: likewise, of train refiner.")] = None,
    prompt: Annotated[Texts, typer.Option(help="What is to be seen; may be given often.")] = None,
    prompts: Annotated[Path | None, typer.Option(metavar="FILE", help="A prompt on each line.")] = None,
    pose: Annotated[
        Texts,
        typer.Option(
            metavar="FILE|DATASET#UID",
            help="A drawn skeleton; keypoints as COCO has them, FILE.json or FILE.json#PICTURE; or a sample. May be given often.",
        ),
    ] = None,
    pose_from_text: Annotated[
        str | None,
        typer.Option(metavar="DATASET", help="Take skeletons of samples of which the like of the prompt is said."),
    ] = None,
    pose_layer: Annotated[str, typer.Option(metavar="NAME", help="The pose layer of a dataset with several.")] = "pose",
    view: Annotated[str | None, typer.Option(help="With --pose-from-text: only samples that it has.")] = None,
    people: Annotated[
        str | None, typer.Option(metavar="N|N+", help="With --pose-from-text: how many; else what the prompt says.")
    ] = None,
    captions: Annotated[
        Texts,
        typer.Option(
            metavar="LAYER", help="With --pose-from-text: source, caption/NAME or embedding/NAME; may be given often."
        ),
    ] = None,
    n: Annotated[
        int, typer.Option("--n", min=1, help="Pictures of each prompt and skeleton, of seeds one after another.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first of them.")] = 0,
    steps: Annotated[int, typer.Option(min=1, max=1000, help="Network passes of each stage.")] = 50,
    guidance: Annotated[float, typer.Option(min=1, help="How much the prompt counts.")] = 7.5,
    rescale: Annotated[
        float, typer.Option(min=0, max=1, help="How far guidance's spread is set back, in stage 1.")
    ] = 0.7,
    negative: Annotated[str, typer.Option(metavar="TEXT", help="What is not to be seen.")] = "",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of stage 1's pictures; that of training if not given.")
    ] = None,
    refined_size: Annotated[str | None, typer.Option(metavar="WxH", help="Of stage 2's pictures, likewise.")] = None,
    original_size: Annotated[
        str | None, typer.Option(metavar="WxH", help="That pictures are to look as if they had been taken with.")
    ] = None,
    depth: Annotated[Path | None, typer.Option(metavar="FILE", help="Tell stage 2 this depth, not stage 1's.")] = None,
    normal: Annotated[Path | None, typer.Option(metavar="FILE", help="Likewise, normals.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures at once, on a GPU.")] = 4,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; a GPU if there is one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, float16; bfloat16 on a GPU.")] = None,
    watermark: Annotated[bool, typer.Option("--watermark/--no-watermark", help="The invisible mark.")] = True,
    as_json: Json = False,
) -> None:
    """Make pictures of people, with depth and normals, from prompts and skeletons. Run again, what is there is not made anew.

    For each picture: NAME.png, NAME.depth.png, NAME.normal.png, NAME.skeleton.png, NAME.refined.png with stage 2, and NAME.json,
    which says how it was made. index.html shows all. Pictures are marked as synthetic.
    """
    from humanverse.generation.request import size_of
    from pipelines import generate as job
    from pipelines.places import refuse_in_dataset, refuse_training_run

    refuse_in_dataset("OUT", out)
    refuse_training_run("OUT", out)
    asked = [*(prompt or ()), *(job.prompts_in(prompts) if prompts else ())]
    layer = job.pose_layer(pose_layer)
    search = None if pose_from_text is None else job.Search(pose_from_text, layer, view, people, tuple(captions or ()))
    settings = job.Settings(
        size_of("--size", size),
        size_of("--refined-size", refined_size),
        size_of("--original-size", original_size),
        steps,
        guidance,
        rescale,
        negative,
        depth,
        normal,
    )
    generator = job.generator_of(model, refiner, device, dtype, watermark)
    skeletons = job.skeletons(pose or (), layer, search, asked, n, seed)
    result = job.generate(out, generator, job.requests_of(settings, asked, skeletons, n, seed), batch)
    if as_json:
        print_json(result.as_json())
    else:
        show.result(result)


@app.command(name="is-synthetic")
def is_synthetic(files: Files, as_json: Json = False) -> None:
    """Whether pictures say that they were generated: in words within the file, or by the invisible mark.

    Where one cannot be read, the others are told of all the same, and the exit code is 2.
    """
    from pipelines.generate import looked_at

    unread: list[str] = []

    def complain(line: str) -> None:
        unread.append(line)
        typer.echo(f"humanverse: {line}", err=True)

    found = looked_at(files, complain)
    if as_json:
        print_json({"pictures": [item.as_json() for item in found], "unread": unread})
    else:
        show.marks(found)
    if unread:
        raise typer.Exit(2)
