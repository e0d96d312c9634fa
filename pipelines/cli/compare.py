"""``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json


@app.command()
def compare(
    dataset: DatasetUrl,
    layers: Annotated[
        tuple[str, str, str] | None,
        typer.Argument(
            metavar="KIND NAME_A NAME_B",
            help="Two layers of a kind, such as pose vitpose-h truth: NAME_A is judged, NAME_B is the reference. Without them, "
            "every layer is compared with the ground truth of its kind.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a page about it, such as page.html.")] = None,
    worst: Annotated[
        int | None,
        typer.Option(min=0, help="Of two layers, how many samples to name and show; 24 if not given."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Without KIND: the name of the layers that are right; if not given truth, or what says that it is.",
        ),
    ] = None,
    view: Annotated[str | None, typer.Option(help="Compare only the samples of this view.")] = None,
    as_json: Json = False,
) -> None:
    """How far two layers of one KIND agree, and where they differ most; AP and AR where NAME_B is ground truth.

    Without KIND: the report card of all layers that stand beside ground truth of their kind.
    """
    if layers is None:
        _card(dataset, truth, out, worst, view, as_json)
    else:
        _pair(dataset, layers, truth, out, worst, view, as_json)


def _pair(
    dataset: str,
    layers: tuple[str, str, str],
    truth: str | None,
    out: Path | None,
    worst: int | None,
    view: str | None,
    as_json: bool,
) -> None:
    from humanverse.errors import UserError
    from pipelines.compare import WORST
    from pipelines.compare import compare as run
    from pipelines.show import compare as show

    if truth is not None:
        raise UserError("--truth is for the report card of all layers: here NAME_B is the reference")
    result = run(dataset, *layers, out, WORST if worst is None else worst, view)
    if as_json:
        print_json(result.as_json())
    else:
        show.comparison(result, dataset)


def _card(
    dataset: str, truth: str | None, out: Path | None, worst: int | None, view: str | None, as_json: bool
) -> None:
    from humanverse.errors import UserError
    from pipelines.compare_card import compare_card
    from pipelines.show import compare_card as show

    if worst is not None:
        raise UserError("--worst is of two layers: give KIND NAME_A NAME_B too")
    result = compare_card(dataset, truth, out, view)
    if as_json:
        print_json(result.as_json())
    else:
        show.card(result, dataset)
