"""What can annotate, and its weights: ``annotators``, ``models``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import annotators as show

models = typer.Typer(help="The weights that the annotators load.", no_args_is_help=True)
app.add_typer(models, name="models")
Which = Annotated[str | None, typer.Argument(metavar="[KIND]", help="Only for this kind or annotator.")]


@app.command()
def annotators(
    name: Annotated[
        str | None, typer.Argument(metavar="[KIND=NAME]", help="One of them, with everything about it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What can annotate here, what it needs, and its licence."""
    from annotators import registry
    from humanverse.errors import UserError

    cards = registry.cards()
    if name:
        cards = [card for card in cards if name in (f"{card.kind}={card.name}", card.layer, card.name, card.kind)]
        if not cards:
            raise UserError(f"no annotator {name}: humanverse annotators lists them")
    found = [
        show.card_json(
            card, registry.get(card.kind, card.name).Settings().model_dump(), registry.missing_packages(card)
        )
        for card in cards
    ]
    if as_json:
        print_json(found)
    else:
        show.cards(found, in_full=name is not None)


def _weights(kind: str | None) -> list[Any]:
    from annotators import registry
    from humanverse.errors import UserError

    found = {
        weight.spec: weight
        for card in registry.cards()
        if kind in (None, card.kind, card.name)
        for weight in card.weights
    }
    if not found and kind:
        raise UserError(f"no weights for {kind}: humanverse models list shows all")
    return list(found.values())


@models.command("list")
def models_list(kind: Which = None, as_json: Json = False) -> None:
    """All weights: where they come from, how large they are, whether they are here."""
    from annotators.weights import listing

    found = [show.weight_json(item) for item in listing(_weights(kind))]
    if as_json:
        print_json(found)
    else:
        show.weights(found)


@models.command("pull")
def models_pull(kind: Which = None) -> None:
    """Download what is not here yet, checked against its SHA-256."""
    from annotators.weights import obtain

    for weight in _weights(kind):
        typer.echo(f"{obtain(weight)}  {weight.spec}")


@models.command("path")
def models_path() -> None:
    """The folder in which weights are kept."""
    from annotators.weights import cache_root

    typer.echo(str(cache_root()))
