"""What compares the rows of one kind: a measure is given the pairs of rows one by one, and then asked what it found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from humanverse.compare.findings import Findings

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """One of the two layers.

    Attributes:
        layer: ``<kind>/<name>``.
        card: its ``layer.json``.
        reads: kind -> the layer that it was made from, of those that are still there.
        counted_from: score from which its person boxes count as people.
    """

    layer: str
    card: Mapping[str, Any]
    reads: Mapping[str, str] = field(default_factory=dict)
    counted_from: float = 0.0

    @property
    def truth(self) -> bool:
        """Whether it is imported ground truth."""
        return bool(self.card.get("truth"))


@dataclass(frozen=True)
class Said:
    """What one layer says about a sample.

    Attributes:
        row: its row, of status ok.
        read: kind -> the row, of status ok, of the layer that it was made from.
        png: reads the sample's dense map; None where there is none.
    """

    row: Row
    read: Mapping[str, Row] = field(default_factory=dict)
    png: Callable[[], bytes | None] = lambda: None


@dataclass(frozen=True)
class Pair:
    """A sample about which both layers say something; ``image`` is its row of the images table."""

    image: Row
    a: Said
    b: Said


class Measure(ABC):
    """Base of all measures; holds what it needs of the pairs seen, and no more than a few numbers for each.

    Attributes:
        disagreement: what ``add`` gives, for readers.
        reads: kinds of which ``Said.read`` has the row, where the layer was made from one.
    """

    disagreement: str
    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, a: Side, b: Side) -> None:
        self.a, self.b = a, b

    @abstractmethod
    def add(self, pair: Pair) -> float | None:
        """Take in one sample; how far the two differ on it (0: not at all), or None if neither says anything to compare."""

    def end_of_shard(self) -> None:  # noqa: B027
        """Called after the last pair of each shard."""

    @abstractmethod
    def findings(self) -> Findings:
        """What was found in all pairs."""
