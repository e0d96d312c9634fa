"""What can annotate, and its weights: ``annotators``, ``models``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import annotators as show

if TYPE_CHECKING:
    from annotators.base import Card

models = typer.Typer(help="The weights that the annotators load.", no_args_is_help=True)
app.add_typer(models, name="models")
Which = Annotated[str | None, typer.Argument(metavar="[KIND]", help="Only for this kind or annotator.")]


Preset = Annotated[str | None, typer.Option(help="Only of what a build with this preset needs: lite, paper, modern.")]


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

    there = registry.everything()
    if name:
        there = [one for one in there if name in _names(one.card)]
        if not there:
            raise UserError(f"no annotator {name}: humanverse annotators lists them")
    found = [
        show.card_json(
            one.card,
            one.Settings().model_dump(),
            registry.missing_packages(one.card),
            registry.here(one.card),
        )
        for one in there
    ]
    if as_json:
        print_json(found)
    else:
        show.cards(found, in_full=name is not None)


def _names(card: Card) -> tuple[str, ...]:
    """By which it can be asked for."""
    return f"{card.kind}={card.name}", card.layer, card.name, card.kind


def _weights(kind: str | None, preset: str | None = None) -> list[Any]:
    from annotators import registry
    from humanverse.errors import UserError

    cards = [one.card for one in registry.everything()] if preset is None else _preset(preset)
    found = {weight.spec: weight for card in cards if kind in (None, card.kind, card.name) for weight in card.weights}
    if not found and (kind or preset):
        raise UserError(
            f"no weights for {' of preset '.join(filter(None, (kind, preset)))}: humanverse models list shows all"
        )
    return list(found.values())


def _preset(name: str) -> list[Any]:
    """Cards of the annotators that a preset names."""
    from annotators import registry
    from schemas.recipe import PRESETS, load

    layers = load(name).layers if name in PRESETS else {}
    return [registry.get(layer.partition("/")[0], item.name).card for layer, item in layers.items()]


@models.command("list")
def models_list(kind: Which = None, preset: Preset = None, as_json: Json = False) -> None:
    """All weights: where they come from, how large they are, whether they are here."""
    from annotators.weights import listing

    found = [show.weight_json(item) for item in listing(_weights(kind, preset))]
    if as_json:
        print_json(found)
    else:
        show.weights(found)


@models.command("pull")
def models_pull(
    kind: Which = None,
    preset: Preset = None,
) -> None:
    """Download what is not here yet, checked against its SHA-256 where that is known beforehand."""
    from annotators.weights import obtain

    for weight in _weights(kind, preset):
        typer.echo(f"{obtain(weight)}  {weight.spec}")


@models.command("convert")
def models_convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A checkpoint of torch.save: .pth, .pt, .ckpt, .bin.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors")],
    key: Annotated[
        str | None,
        typer.Option(help="Where in the checkpoint the weights are, such as ema.module, if there are several."),
    ] = None,
) -> None:
    """Take the tensors out of an old pickled checkpoint. No code in it is run; one that needs code is refused."""
    from annotators import registry
    from annotators.torch.convert import convert

    registry.require_torch("humanverse models convert")
    done = convert(source, target, key)
    typer.echo(f"{done.path}: {done.tensors} tensors, {done.size / 1e6:.1f} MB")


@models.command("path")
def models_path() -> None:
    """The folder in which weights are kept."""
    from annotators.weights import cache_root

    typer.echo(str(cache_root()))
