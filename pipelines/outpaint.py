"""From what a recipe or a user says about outpainting to annotators that look at larger canvases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from annotators import registry
from annotators.base import Annotator
from annotators.outpaint.base import Outpainter
from annotators.outpaint.mapping import BACK
from annotators.outpaint.outpainted import Outpainted
from annotators.weights import Weight, standing_in
from humanverse.errors import UserError
from humanverse.report.wording import without_password
from humanverse.storage import Store
from schemas.recipe import explain
from schemas.recipe_outpaint import OUTPAINT, OutpaintSettings

NONE = "none"
"""The name that says: no outpainting, although the recipe has it."""


def outpainter(section: OutpaintSettings, device: str, pinned: Mapping[Weight, Weight]) -> Outpainter:
    """What paints the margins, not loaded.

    Args:
        section: what was said about it.
        device: where its model will run.
        pinned: weights that were settled on before, of whatever model.

    Raises:
        UserError: if there is none of that name, something that it needs is not here, or its settings are wrong.
    """
    found = registry.outpainter(section.name)
    try:
        settings = found.Settings.model_validate(section.settings)
    except ValidationError as error:
        raise UserError(explain(error, (OUTPAINT, "settings"), found.Settings)) from error
    weights = {old: new for old, new in pinned.items() if old in found.card.weights}
    for text in () if weights else section.weights:
        weights |= standing_in(found.card.weights, text)
    made = found(settings, device, weights, Store(section.cache) if section.cache else None)
    registry.require_packages(made.card, made.weights)
    return made


def applied(
    made: Mapping[str, Annotator],
    section: OutpaintSettings | None,
    device: str,
    pinned: Mapping[Weight, Weight] | None = None,
) -> dict[str, Annotator]:
    """``made``, those of the section's kinds on canvases of one outpainter, which they share.

    An annotator that looks at no pixels, such as one that says that there is none, stays as it is.

    Args:
        made: by kind, or by place of a recipe.
        section: None for no outpainting.
        device, pinned: as of ``outpainter``.

    Raises:
        UserError: as ``outpainter``; or if a kind cannot be outpainted, or what it reads.
    """
    if section is None:
        return dict(made)
    for kind in section.kinds:
        if kind not in BACK:
            raise UserError(
                f"{OUTPAINT}.kinds: {kind} cannot be outpainted: only {', '.join(BACK)} say where something is"
            )
    chosen = {place for place, one in made.items() if one.card.kind in section.kinds and one.looks}
    if not chosen:
        return dict(made)
    shared = outpainter(section, device, pinned or {})
    return {place: Outpainted(one, shared) if place in chosen else one for place, one in made.items()}


def check_place(section: OutpaintSettings | None, dataset: str) -> None:
    """Raise UserError if paintings are to be kept in ``dataset``, which has its files alone."""
    if section and section.cache and f"{Store(section.cache).url}/".startswith(f"{Store(dataset).url}/"):
        raise UserError(f"{OUTPAINT}.cache: {section.cache} is in the dataset: give a place outside of it")


def told(annotator: Annotator, section: OutpaintSettings | None) -> dict[str, Any]:
    """What the card of a layer says was asked for: as ``asked`` in ``humanverse.dataset.asking``, beside the annotator's."""
    if section is None or not isinstance(annotator, Outpainted):
        return {}
    said = section.model_dump(mode="json", include={"name", "settings", "cache"})
    return {OUTPAINT: {**said, "weights": [without_password(text) for text in section.weights]}}
