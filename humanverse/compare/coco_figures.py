"""COCO's AP and AR, shard by shard: by pycocotools where it is installed, else by the project's own code of the same protocol.

Of a shard only what the figures are made of is kept: for each detection its score, and of each range of areas at each threshold
whether it has a match and counts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from humanverse.compare import coco_protocol, coco_pycocotools
from humanverse.compare.coco_items import Found, Judged, Picture, Truth, together

NAMES = {
    "bbox": ("AP", "AP50", "AP75", "AP-S", "AP-M", "AP-L", "AR"),
    "keypoints": ("AP", "AP50", "AP75", "AP-M", "AP-L", "AR"),
}
"""The figures of each kind of evaluation."""


def engine() -> ModuleType:
    """What evaluates: a module with ``judge`` and ``figures``."""
    return coco_protocol if importlib.util.find_spec("pycocotools") is None else coco_pycocotools


def made_by() -> str:
    """Who ``engine`` is, for readers."""
    own = engine() is coco_protocol
    return "COCO's protocol (pycocotools is not installed)" if own else "pycocotools"


class Evaluation:
    """One of COCO's evaluations of persons.

    Args:
        kind: ``bbox`` or ``keypoints``.
        sigmas: OKS constants of the slots, for keypoints.
    """

    def __init__(self, kind: str, sigmas: np.ndarray | None = None) -> None:
        self.kind, self._sigmas = kind, sigmas
        self._engine = engine()
        self._waiting: list[Picture] = []
        self._kept: list[list[Judged]] = []
        self.labelled = 0

    def add(self, truth: Sequence[Truth], found: Sequence[Found]) -> None:
        """One picture."""
        self._waiting.append((truth, found))
        self.labelled += sum(item.counts for item in truth)

    def end_of_shard(self) -> None:
        """Evaluate the pictures added since the last call, and forget them."""
        if self._waiting:
            self._kept.append(self._engine.judge(self.kind, self._sigmas, self._waiting))
            self._waiting = []

    def figures(self) -> dict[str, float | None] | None:
        """COCO's figures by name, None for one that has nothing to measure; None at all if nobody is annotated."""
        if not self.labelled or not self._kept:
            return None
        found = self._engine.figures(self.kind, [together(of_range) for of_range in zip(*self._kept, strict=True)])
        return {name: found[name] if found[name] >= 0 else None for name in NAMES[self.kind]}
