"""``python -m pipelines.lite_structure``: renders the examples, trains the network, measures it, writes it as ONNX."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from humanverse.plurals import plural

if TYPE_CHECKING:
    import numpy as np

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Cache = Annotated[Path, typer.Argument(help="folder of the rendered examples, outside the repository")]
Run = Annotated[Path, typer.Argument(help="folder of the run: its checkpoint and settings")]
Backgrounds = Annotated[Path | None, typer.Option(help="folder of photographs without people")]
Workers = Annotated[int, typer.Option(help="processes beside this one")]


@app.command("render")
def render_command(
    cache: Cache,
    n: Annotated[int, typer.Option("--n", help="examples that there shall be")] = 1850,
    seed: Annotated[int, typer.Option(help="of the series of synthetic pictures")] = 1000,
    backgrounds: Backgrounds = None,
    workers: Annotated[int | None, typer.Option(help="processes; one per CPU core if not given")] = None,
) -> None:
    """Render examples that the cache does not have yet."""
    from pipelines.lite_structure.render import render

    for number, _ in enumerate(render(cache, seed, n, str(backgrounds) if backgrounds else None, workers=workers), 1):
        if number % 100 == 0:
            typer.echo(f"{plural(number, 'example')} made")


@app.command("train")
def train_command(
    cache: Cache,
    run: Run,
    steps: Annotated[int, typer.Option(help="of the whole run")] = 2080,
    seed: Annotated[int, typer.Option(help="of the first weights, and of all that is drawn")] = 0,
    backgrounds: Backgrounds = None,
    held_out: Annotated[Path | None, typer.Option(help="cache of other examples, to measure on the way")] = None,
    workers: Workers = 1,
    every: Annotated[int, typer.Option(help="steps from one checkpoint to the next")] = 250,
) -> None:
    """Train the network, or go on with a run that was stopped."""
    from pipelines.lite_structure import training
    from pipelines.lite_structure.examples import paths
    from pipelines.lite_structure.held_out import views
    from pipelines.lite_structure.scores import network_scores

    measured_on = views(paths(held_out)[:40], training.Settings().stages[-1][1]) if held_out else []

    def told(figures: dict[str, float], now: training.Training) -> None:
        scores = asdict(network_scores(measured_on, now.estimate)) if measured_on else {}
        typer.echo(json.dumps(_rounded({**figures, **scores})))

    settings = training.Settings(seed=seed, steps=steps)
    training.train(paths(cache), run, settings, backgrounds, workers, every, told=told)


@app.command("score")
def score_command(
    cache: Cache,
    model: Annotated[Path, typer.Argument(help="the network as ONNX")],
) -> None:
    """Measure a network on examples that it was not trained on, and print the figures as JSON."""
    from annotators.engines import onnx_session
    from annotators.structure.inputs import SIDE
    from annotators.structure.mirroring import both_ways
    from pipelines.lite_structure.examples import paths
    from pipelines.lite_structure.held_out import views
    from pipelines.lite_structure.scores import network_scores

    session = onnx_session(model)

    def network(inputs: np.ndarray) -> np.ndarray:
        said: np.ndarray = session.run(None, {"input": inputs})[0]
        return said

    scores = network_scores(views(paths(cache), SIDE), lambda inputs: both_ways(network, inputs))
    typer.echo(json.dumps(_rounded(asdict(scores))))


@app.command("export")
def export_command(run: Run, model: Annotated[Path, typer.Argument(help="the ONNX file to write")]) -> None:
    """Write the averaged network of a run as ONNX, and say what annotators/structure/estimator.py must pin of it."""
    from annotators.weights import from_path
    from pipelines.lite_structure.export import export_run

    export_run(run, model)
    made = from_path(model)
    typer.echo(f"{model}: {made.size} bytes, SHA-256 {made.sha256}")


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


if __name__ == "__main__":
    app()
