"""The people gate (HyperHuman section 4): each check answers None, or why a picture is not kept, with what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from annotators.person.boxes import union_area
from humanverse.codec import Prepared
from schemas.layers import OK
from schemas.ledger import Failure
from schemas.recipe import GateSettings

Rows = Mapping[str, Mapping[str, Any]]
Check = Callable[[Prepared, Rows, GateSettings], Failure | None]

GATE_KINDS = {"person": None, "aesthetic": "min_aesthetic", "safety": "max_unsafe"}
"""Kinds of layers that checks read, and the threshold without which the layer is not needed to decide."""


def kinds_needed(gate: GateSettings) -> list[str]:
    """The layers that must be made before a picture can be judged."""
    return [kind for kind, limit in GATE_KINDS.items() if limit is None or getattr(gate, limit) is not None]


def size(prepared: Prepared, gate: GateSettings) -> Failure | None:
    """``too_small`` if a side of the stored picture is short; asked before any estimator runs."""
    if min(prepared.width, prepared.height) >= gate.min_side:
        return None
    return Failure("too_small", f"{prepared.width}x{prepared.height}, a side < {gate.min_side}")


def _estimated(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    for kind, row in sorted(rows.items()):
        if row["status"] != OK:
            return Failure("gate_error", f"{kind}: {row['reason']}")
    return None


def _people_boxes(rows: Rows, gate: GateSettings) -> np.ndarray:
    """float64 (n, 4): the boxes that count as people."""
    person = rows["person"]
    boxes = np.array(person["boxes"], dtype=np.float64).reshape(-1, 4)
    return boxes[np.array(person["scores"], dtype=np.float64) >= gate.person_score]


def _people(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    count = len(_people_boxes(rows, gate))
    if count < gate.min_people:
        best = max(rows["person"]["scores"], default=None)
        seen = "nothing seen" if best is None else f"best {best:.2f}"
        return Failure("too_few_people", f"{count} < {gate.min_people} at score >= {gate.person_score} ({seen})")
    if gate.max_people is not None and count > gate.max_people:
        return Failure("too_many_people", f"{count} > {gate.max_people} at score >= {gate.person_score}")
    return None


def _each_ratio(boxes: np.ndarray, total: int) -> float:
    """The smallest box's share of the picture."""
    return min((union_area(box[None]) / total for box in boxes), default=0.0)


def _union_ratio(boxes: np.ndarray, total: int) -> float:
    """The share of the picture that all boxes cover together."""
    return union_area(boxes) / total


_RATIOS = {"each": _each_ratio, "union": _union_ratio}


def _area(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    boxes = _people_boxes(rows, gate)
    if gate.min_area_ratio is None or not len(boxes):
        return None
    ratio = _RATIOS[gate.person_area](boxes, prepared.width * prepared.height)
    if ratio >= gate.min_area_ratio:
        return None
    return Failure("person_area", f"{ratio:.3f} < {gate.min_area_ratio} ({gate.person_area})")


def _aesthetic(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    if gate.min_aesthetic is None or rows["aesthetic"]["score"] >= gate.min_aesthetic:
        return None
    return Failure("aesthetic", f"{rows['aesthetic']['score']:.2f} < {gate.min_aesthetic}")


def _unsafe(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    if gate.max_unsafe is None or rows["safety"]["unsafe"] <= gate.max_unsafe:
        return None
    return Failure("unsafe", f"{rows['safety']['unsafe']:.2f} > {gate.max_unsafe}")


CHECKS: tuple[Check, ...] = (_estimated, _people, _area, _aesthetic, _unsafe)


def judge(prepared: Prepared, rows: Rows, gate: GateSettings) -> Failure | None:
    """The first check that says no; None for a picture to keep.

    Args:
        prepared: the picture as it would be stored.
        rows: by kind, its row of every layer in ``kinds_needed``.
        gate: the thresholds.
    """
    for check in CHECKS:
        failure = check(prepared, rows, gate)
        if failure:
            return failure
    return None
