"""What can annotate, and its weights: ``annotators``, ``models``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from humanverse.plurals import plural
from humanverse.sizes import size
from pipelines.cli.app import app, print_json
from pipelines.show import annotators as show

if TYPE_CHECKING:
    from annotators.base import Card, Loadable
    from annotators.weights import Weight

models = typer.Typer(help="The weights that the annotators and the generator load.", no_args_is_help=True)
app.add_typer(models, name="models")
JsonList = Annotated[bool, typer.Option("--json", help="A JSON list on standard output, of one object for each.")]
Which = Annotated[str | None, typer.Argument(metavar="[KIND]", help="Only for this kind or annotator.")]


Preset = Annotated[str | None, typer.Option(help="Only of what a build with this preset needs: lite, paper, modern.")]


@app.command()
def annotators(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND[=NAME]]",
            help="Of this kind alone; of one everything about it; KIND=module:Class of your own.",
        ),
    ] = None,
    as_json: JsonList = False,
) -> None:
    """What can annotate here, what it needs, and its licence."""
    from annotators import registry
    from annotators.settings_told import told

    found = [
        show.card_json(one.card, told(one.Settings), registry.missing_packages(one.card), registry.here(one.card))
        for one in _annotators(name)
    ]
    if as_json:
        print_json(found)
    elif len(found) == 1:
        show.card_in_full(found[0])
    else:
        show.cards(found)
    _tell_broken(name)


def _tell_broken(kind: str | None) -> None:
    """Say which cannot be listed: of all, or of a kind or name."""
    from annotators import registry
    from pipelines.progress import say

    for text in registry.broken():
        if kind is None or kind in (text.partition(" ")[0], text.partition("=")[0]):
            say(text)


def _annotators(name: str | None) -> list[type[Loadable]]:
    """All, or those of a name; ``kind=module:Class`` is one's own."""
    from annotators import registry
    from humanverse.errors import UserError

    kind, equals, own = (name or "").partition("=")
    if equals and ":" in own:
        return [registry.find(kind, own)]
    found = [one for one in registry.everything() if name is None or name in _names(one.card)]
    why = next((text for text in registry.broken() if text.partition(" ")[0] == name), None) if not found else None
    if why:
        raise UserError(why)
    if not found:
        raise UserError(f"no annotator {name}: humanverse annotators lists them")
    return found


def _names(card: Card) -> tuple[str, ...]:
    """By which it can be asked for."""
    return f"{card.kind}={card.name}", card.layer, card.name, card.kind


def _weights(kind: str | None, preset: str | None = None) -> dict[Weight, list[str]]:
    """Weights, and which annotators or other models they are for."""
    from annotators import registry
    from annotators.text_encoders import TEXT_ENCODERS
    from humanverse.errors import UserError

    cards = [one.card for one in registry.everything()] if preset is None else _preset(preset)
    found: dict[Weight, list[str]] = {}
    for card in cards:
        if kind in (None, *_names(card)):
            for weight in card.weights:
                found.setdefault(weight, []).append(f"{card.kind}={card.name}")
    for encoder in TEXT_ENCODERS.values() if preset is None else ():
        if kind in (None, encoder.name, encoder.label):
            found.setdefault(encoder.weight, []).append(encoder.label)
    if not found and (kind or preset):
        raise UserError(
            f"no weights for {' of preset '.join(filter(None, (kind, preset)))}: humanverse models list shows all"
        )
    return found


def _preset(name: str) -> list[Card]:
    """Cards of the annotators that a preset names, and of what grows its pictures."""
    from annotators import registry
    from humanverse.errors import UserError
    from schemas.recipe import PRESETS, load

    if name not in PRESETS:
        raise UserError(f"no such preset {name}: choose one of {', '.join(PRESETS)}")
    recipe = load(name)
    cards = [registry.get(layer.partition("/")[0], item.name).card for layer, item in recipe.layers.items()]
    return [*cards, *([registry.outpainter(recipe.outpaint.name).card] if recipe.outpaint else [])]


@models.command("list")
def models_list(kind: Which = None, preset: Preset = None, as_json: JsonList = False) -> None:
    """All weights: what they are for, how large they are, whether they are here, where they come from."""
    from annotators.weights import listing

    users = _weights(kind, preset)
    found = [show.weight_json(item, users[item.weight]) for item in listing(users)]
    if as_json:
        print_json(found)
    else:
        show.weights(found)
    _tell_broken(kind)


@models.command("pull")
def models_pull(
    kind: Which = None,
    preset: Preset = None,
) -> None:
    """Download what is not here yet, checked against its SHA-256 where that is known beforehand."""
    from annotators.fetching import fetch
    from annotators.weights import obtain
    from pipelines.progress import say

    wanted = _weights(kind, preset)
    fetch(wanted, say)
    for weight in wanted:
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
    typer.echo(f"{done.path}: {plural(done.tensors, 'tensor')}, {size(done.size)}")
    if done.others:
        show.taken(done)


@models.command("path")
def models_path() -> None:
    """The folder in which weights are kept."""
    from annotators.weights import cache_root

    typer.echo(str(cache_root()))
