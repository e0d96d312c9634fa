"""What stands in the JSON files of views and filters."""

from __future__ import annotations

import re
from typing import Any

from pydantic import field_validator, model_validator

from humanverse.dataset.cards import Count, Strict
from schemas.layers import KINDS

FORMAT = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FILTER = re.compile(rf"{NAME.pattern}/[0-9]{{6}}")
LAYER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_Span = tuple[Count, Count]


class FilterCard(Strict):
    """``filter.json``: what made the filter, and what it has seen.

    Attributes:
        made_by: command and settings.
        shards: [first, last] of each run of shards that it has looked at, ascending.
        left_out: shard number (in digits) -> how many of its samples it leaves out; others have no file.
        counts: figures of the making.
    """

    format: int = FORMAT
    made_by: dict[str, Any]
    shards: tuple[_Span, ...]
    left_out: dict[str, int]
    counts: dict[str, int]
    code: str = ""
    time: str = ""

    @field_validator("left_out")
    @classmethod
    def _numbers(cls, value: dict[str, int]) -> dict[str, int]:
        if any(not name.isdecimal() or rows < 1 for name, rows in value.items()):
            raise ValueError("left_out is not rows by shard number")
        return value

    def sees(self, shard: int) -> bool:
        return any(first <= shard <= last for first, last in self.shards)


class Pin(Strict):
    """A layer as it was when the view was made.

    Attributes:
        layer: ``<kind>/<name>``.
        fingerprint: from its ``layer.json``.
    """

    layer: str
    fingerprint: str

    @field_validator("layer")
    @classmethod
    def _is_layer(cls, value: str) -> str:
        kind, slash, name = value.partition("/")
        if kind not in KINDS or not slash or not LAYER_NAME.fullmatch(name):
            raise ValueError(f"{value!r} is no layer")
        return value


class Step(Strict):
    """One step of a view's funnel; ``before`` is ``left_out + said_nothing + after``.

    Attributes:
        step: the filter, or the expression.
        left_out: samples that the filter names, or for which the expression is false.
        said_nothing: samples for which it is NULL: what it asks for is not known of them.
    """

    step: str
    before: Count
    left_out: Count
    said_nothing: Count
    after: Count

    @model_validator(mode="after")
    def _adds_up(self) -> Step:
        if self.before != self.left_out + self.said_nothing + self.after:
            raise ValueError(f"the counts of {self.step!r} do not add up")
        return self

    def __add__(self, other: Step) -> Step:
        numbers = ("before", "left_out", "said_nothing", "after")
        return Step(step=self.step, **{name: getattr(self, name) + getattr(other, name) for name in numbers})


class Counts(Strict):
    """The funnel when the view was made: over how many shards and samples, and each step in order."""

    shards: Count
    samples: Count
    steps: tuple[Step, ...]

    @property
    def kept(self) -> int:
        return self.steps[-1].after if self.steps else self.samples


class ViewCard(Strict):
    """``views/<name>.json``.

    Attributes:
        made_by: the command.
        exclude: the filters (``<name>/<generation>``) whose samples are left out.
        where: expressions, applied in this order to what the filters leave.
        layers: kind -> the layer that readers get for it.
        reads: kind or ``<kind>/<name>``, as the expressions have it -> the layer that is meant.
        counts: None if nobody counted.
    """

    format: int = FORMAT
    name: str
    made_by: str = ""
    exclude: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    layers: dict[str, Pin] = {}
    reads: dict[str, Pin] = {}
    counts: Counts | None = None
    code: str = ""
    time: str = ""

    @field_validator("exclude")
    @classmethod
    def _filters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        strange = [name for name in value if not FILTER.fullmatch(name)]
        if strange:
            raise ValueError(f"{strange[0]!r} is no filter")
        return value

    @field_validator("layers", "reads")
    @classmethod
    def _of_their_kind(cls, value: dict[str, Pin]) -> dict[str, Pin]:
        strange = [name for name, pin in value.items() if name not in (pin.layer, pin.layer.partition("/")[0])]
        if strange:
            raise ValueError(f"{strange[0]!r} is another layer")
        return value
