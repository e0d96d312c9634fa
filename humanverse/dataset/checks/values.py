"""What the rows of a layer may say: statuses, ranges, boxes in the picture, lists of equal length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset.checks.finding import Finding, first_of, problem
from humanverse.dataset.checks.held import Layer
from schemas.layers import BOX, HEAD, OK, ROW_STATUSES

SLACK = 1e-3
"""Pixels, or parts of a ratio, by which float32 arithmetic may overshoot."""
UNIT = (0.0, 1.0)
POSITIVE = (0.0, float("inf"))

RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "person": {"scores": UNIT, "area_ratios": UNIT, "union_area_ratio": UNIT, "areas": POSITIVE},
    "pose": {"scores": UNIT},
    "depth": {"map_width": (1, 65_535), "map_height": (1, 65_535), "scale": POSITIVE},
    "normal": {"map_width": (1, 65_535), "map_height": (1, 65_535)},
    "safety": {"unsafe": UNIT},
    "text": {"scores": UNIT, "text_area_ratio": UNIT},
    "quality": {
        "sharpness": POSITIVE,
        "brightness": UNIT,
        "contrast": UNIT,
        "colorfulness": POSITIVE,
        "saturated_ratio": UNIT,
        "jpeg_quality": (1, 100),
    },
}
SCORES = "scores"
OPTIONAL = frozenset({"language", "method", "depth_kind", "unit", "jpeg_quality", "areas", "crowd"})
"""Columns that may be null in a row whose status is ok."""
PARALLEL = {
    "person": ("boxes", "scores", "area_ratios", "areas", "crowd"),
    "pose": ("keypoints", "present", "scores"),
    "text": ("boxes", "scores"),
}
"""Lists with one item each for the same things, where they are not null."""


@dataclass(frozen=True)
class Rows:
    """The rows of a layer whose status is ok.

    Attributes:
        table: the rows.
        sizes: float (rows, 2), width and height of each picture in pixels; None if unknown.
    """

    layer: Layer
    table: pa.Table
    sizes: np.ndarray | None

    @property
    def score_range(self) -> tuple[float, float]:
        return self.layer.score_range


Bad = Iterator[tuple[np.ndarray, str]]
"""Rows (int, ascending) with what is wrong with each."""
Rule = Callable[[Rows], Bad]


def leaves(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers in a column of numbers or of (lists of) lists of numbers, and the row that each is in."""
    array = column.combine_chunks()
    rows = np.arange(len(array))
    if not pa.types.is_nested(array.type):
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        return array.drop_null().to_numpy(zero_copy_only=False), rows[valid]
    while pa.types.is_nested(array.type):
        rows = rows[pc.list_parent_indices(array).to_numpy()]
        array = pc.list_flatten(array)
    return array.to_numpy(zero_copy_only=False), rows


def _leaf_type(kind: pa.DataType) -> pa.DataType:
    while pa.types.is_nested(kind):
        kind = kind.value_type
    return kind


def _complete(rows: Rows) -> Bad:
    for field in rows.layer.kind.columns:
        if field.name not in OPTIONAL and rows.table.column(field.name).null_count:
            missing = rows.table.column(field.name).is_null().to_numpy()
            yield np.flatnonzero(missing), f"is ok without {field.name}"


def _finite(rows: Rows) -> Bad:
    for field in rows.layer.kind.columns:
        if pa.types.is_floating(_leaf_type(field.type)):
            numbers, of = leaves(rows.table.column(field.name))
            yield of[~np.isfinite(numbers)], f"has a {field.name} that is not a number"


def _outside(numbers: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (numbers < limits[0] - SLACK) | (numbers > limits[1] + SLACK)


def _ranges(rows: Rows) -> Bad:
    for name, fixed in RANGES.get(rows.layer.kind.name, {}).items():
        limits = rows.score_range if name == SCORES else fixed
        numbers, of = leaves(rows.table.column(name))
        yield of[_outside(numbers, limits)], f"has {name} outside [{limits[0]:g}, {limits[1]:g}]"


def _boxes(rows: Rows) -> Bad:
    for field in rows.layer.kind.columns:
        if field.type not in (BOX, pa.list_(BOX)) or rows.sizes is None:
            continue
        numbers, of = leaves(rows.table.column(field.name))
        box, of = numbers.reshape(-1, 4), of[::4]
        low, high = box[:, :2], box[:, 2:]
        yield of[(low > high).any(axis=1)], f"has {field.name} turned inside out"
        beyond = (low < -SLACK) | (high > rows.sizes[of] + SLACK)
        yield of[beyond.any(axis=1)], f"has {field.name} outside the picture"


def _parallel(rows: Rows) -> Bad:
    names = PARALLEL.get(rows.layer.kind.name, ())
    lengths = [pc.list_value_length(rows.table.column(name)).to_numpy() for name in names]
    for name, length in zip(names[1:], lengths[1:], strict=True):
        there = rows.table.column(name).is_valid().to_numpy()
        yield np.flatnonzero(there & (length != lengths[0])), f"has not as many {name} as {names[0]}"


def _best_first(rows: Rows) -> Bad:
    scores, of = leaves(rows.table.column(SCORES))
    yield of[1:][(np.diff(scores) > 0) & (np.diff(of) == 0)], "has people that are not best first"


def _points(rows: Rows) -> Bad:
    """Confidences are scores, and a point for which there is no estimator has none."""
    numbers, of = leaves(rows.table.column("keypoints"))
    confidence, of = numbers.reshape(-1, 3)[:, 2], of[::3]
    limits = rows.score_range
    yield of[_outside(confidence, limits)], f"has confidences outside [{limits[0]:g}, {limits[1]:g}]"
    present, _ = leaves(rows.table.column("present"))
    if len(present) == len(confidence):
        yield of[~present.astype(bool) & (confidence != 0)], "has confidence in a point that is not present"


RULES: tuple[Rule, ...] = (_complete, _finite, _ranges, _boxes, _parallel)
RULES_OF_KIND: Mapping[str, tuple[Rule, ...]] = {"person": (_best_first,), "pose": (_points,)}


def check(path: str, layer: Layer, table: pa.Table, images: pa.Table | None) -> Iterator[Finding]:
    """The rows of one shard of a layer: at most one finding per rule and column.

    Args:
        path: of the table.
        table: its rows, aligned with ``images``.
        images: the shard's images table; None if it cannot be read.
    """
    yield from _statuses(path, layer, table)
    chosen = np.flatnonzero(pc.equal(table.column("status"), OK).to_numpy())
    said = table.take(chosen)
    uids = said.column("uid").to_pylist()
    sizes = None
    if images is not None and images.num_rows == table.num_rows:
        sizes = np.stack([images.column(name).to_numpy() for name in ("width", "height")], axis=1)[chosen].astype(float)
    for rule in (*RULES, *RULES_OF_KIND.get(layer.kind.name, ())):
        for bad, message in rule(Rows(layer, said, sizes)):
            if len(bad):
                yield problem(path, first_of(uids, bad, message))


def _statuses(path: str, layer: Layer, table: pa.Table) -> Iterator[Finding]:
    uids = table.column("uid").to_pylist()
    status = np.array(table.column("status").to_pylist(), dtype=object)
    unknown = np.flatnonzero(~np.isin(status, np.array(ROW_STATUSES, dtype=object)))
    if len(unknown):
        yield problem(path, first_of(uids, unknown, f"has the unknown status {status[unknown[0]]}"))
    silent = np.isin(status, np.array([name for name in ROW_STATUSES if name != OK], dtype=object))
    unexplained = np.array([not reason for reason in table.column("reason").to_pylist()], dtype=bool)
    if (silent & unexplained).any():
        yield problem(path, first_of(uids, np.flatnonzero(silent & unexplained), "says nothing, without a reason"))
    speaking = np.zeros(table.num_rows, dtype=bool)
    for name in table.column_names[len(HEAD) :]:
        speaking |= table.column(name).is_valid().to_numpy()
    if (silent & speaking).any():
        yield problem(path, first_of(uids, np.flatnonzero(silent & speaking), "is not ok, and has values"))
