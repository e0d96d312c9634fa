"""Which annotators a recipe names: for each kind of layer one, and any number that stand beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.given_places import absolute

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class AnnotatorSettings(BaseModel):
    """One layer of the build: ``<kind>: {name: ..., settings: {...}}``.

    Attributes:
        name: of the annotator.
        settings: its own.
        weights: that stand in for its own: files, folders, ``hf:OWNER/REPO@REVISION``, ``https://…#sha256=…``.
        layer: the layer's name; None for the annotator's.
        also: further layers of the kind. Others read the first one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    settings: dict[str, Any] = {}
    weights: tuple[str, ...] = ()
    layer: str | None = Field(default=None, pattern=f"^{_NAME.pattern}$")
    also: tuple[AnnotatorSettings, ...] = ()

    @field_validator("weights", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("weights")
    @classmethod
    def _wherever_they_are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(absolute, value))

    @model_validator(mode="after")
    def _each_has_its_name(self) -> AnnotatorSettings:
        names = [item.layer_name for item in (self, *self.also)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"two layers are named {twice}: give one of them another name, as {{name: …, layer: NAME}}"
            )
        if any(item.also for item in self.also):
            raise ValueError("also: one list of further layers is enough")
        return self

    @property
    def layer_name(self) -> str:
        return self.layer or self.name

    def deciding(self) -> dict[str, Any]:
        """What decides the rows, as JSON values. Weights are not among it: their SHA-256 is in the layer's fingerprint."""
        said: dict[str, Any] = self.model_dump(mode="json", include={"name", "settings"})
        more = {"layer": self.layer, "also": [item.deciding() for item in self.also]}
        return said | {key: value for key, value in more.items() if value}


Chosen = Mapping[str, AnnotatorSettings]
"""By kind, as a recipe has them."""


def spelled_out(value: Any) -> Any:
    """A recipe's ``annotators`` with every short form in full: ``pose: movenet``, ``depth: [omnidata, midas-dpt]``."""
    return {kind: _whole(item) for kind, item in value.items()} if isinstance(value, dict) else value


def _whole(item: Any) -> Any:
    if isinstance(item, str):
        return {"name": item}
    if isinstance(item, list) and item and isinstance(first := _whole(item[0]), dict):
        return {**first, "also": [*(first.get("also") or ()), *map(_whole, item[1:])]}
    if isinstance(item, dict) and isinstance(item.get("also"), (list, tuple)):
        return {**item, "also": [_whole(one) for one in item["also"]]}
    return item


def places(chosen: Chosen) -> Iterator[tuple[str, str, AnnotatorSettings]]:
    """Every annotator: its place, its layer (``<kind>/<name>``), and what the recipe says of it.

    The first of a kind has the kind for its place, since it is what others read; those beside it have their layer's name.
    """
    for kind, first in chosen.items():
        yield kind, f"{kind}/{first.layer_name}", first
        for item in first.also:
            yield f"{kind}/{item.layer_name}", f"{kind}/{item.layer_name}", item


def layers(chosen: Chosen) -> dict[str, str]:
    """Place -> layer."""
    return {place: layer for place, layer, _ in places(chosen)}


def with_weights(chosen: Chosen, weights: Mapping[str, Sequence[str]]) -> dict[str, AnnotatorSettings]:
    """``chosen`` with other weights.

    Args:
        weights: place, or layer, -> what stands in.

    Raises:
        ValueError: if there is no such place or layer.
    """
    known = {name for place, layer, _ in places(chosen) for name in (place, layer)}
    strange = sorted({*weights} - known)
    if strange:
        raise ValueError(f"--weights {strange[0]}: the recipe has no such layer: there are {', '.join(sorted(known))}")

    def given(item: AnnotatorSettings, *names: str) -> AnnotatorSettings:
        found = next((tuple(map(absolute, weights[name])) for name in names if name in weights), item.weights)
        return item.model_copy(update={"weights": found})

    return {
        kind: given(
            first.model_copy(update={"also": tuple(given(item, f"{kind}/{item.layer_name}") for item in first.also)}),
            kind,
            f"{kind}/{first.layer_name}",
        )
        for kind, first in chosen.items()
    }
