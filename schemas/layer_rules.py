"""What the rows of a layer may say where they are ok: ranges, boxes in the picture, lists of equal length.

A row is held to these when it is made, and every row of a dataset when it is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layers import BACKGROUND_LABEL, BOX, UNKNOWN_LABEL, Kind

SLACK = 1e-3
"""Pixels, or parts of a ratio, by which float32 arithmetic may overshoot."""
UNIT = (0.0, 1.0)
POSITIVE = (0.0, float("inf"))

RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "person": {"scores": UNIT, "area_ratios": UNIT, "union_area_ratio": UNIT, "areas": POSITIVE},
    "pose": {"scores": UNIT},
    "depth": {"map_width": (1, 65_535), "map_height": (1, 65_535), "scale": POSITIVE},
    "normal": {"map_width": (1, 65_535), "map_height": (1, 65_535)},
    "segmentation": {
        "map_width": (1, 65_535),
        "map_height": (1, 65_535),
        "labels": (BACKGROUND_LABEL, UNKNOWN_LABEL - 1),
        "label_areas": UNIT,
    },
    "safety": {"unsafe": UNIT},
    "watermark": {"watermark": UNIT},
    "similarity": {"score": (-1, 1)},
    "text": {"scores": UNIT, "text_area_ratio": UNIT},
    "quality": {
        "sharpness": POSITIVE,
        "brightness": UNIT,
        "contrast": UNIT,
        "colorfulness": POSITIVE,
        "saturated_ratio": UNIT,
        "jpeg_quality": (1, 100),
    },
    "latent": dict.fromkeys(("map_width", "map_height", "bucket_width", "bucket_height"), (1, 65_535)),
    "prompt": dict.fromkeys(("map_width", "map_height"), (1, 65_535)),
}
SCORES = "scores"
OPTIONAL = frozenset({"language", "method", "depth_kind", "unit", "jpeg_quality", "areas", "crowd"})
"""Columns that may be null in a row whose status is ok."""
PARALLEL = {
    "person": ("boxes", "scores", "area_ratios", "areas", "crowd"),
    "pose": ("keypoints", "present", "scores"),
    "text": ("boxes", "scores"),
    "segmentation": ("labels", "label_names", "label_areas"),
}
"""Lists with one item each for the same things, where they are not null."""
PEOPLE: Mapping[str, str] = {"person": "boxes", "pose": "keypoints"}
"""The column of each kind that has one item per person."""


@dataclass(frozen=True)
class Rows:
    """The rows of a layer whose status is ok.

    Attributes:
        kind: of the layer.
        table: the rows.
        sizes: float (rows, 2), width and height of each picture in pixels; None if unknown.
        score_range: [low, high] of ``scores`` and of confidences.
        unset: columns that are null as yet.
    """

    kind: Kind
    table: pa.Table
    sizes: np.ndarray | None
    score_range: tuple[float, float] = UNIT
    unset: frozenset[str] = frozenset()


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
    for field in rows.kind.columns:
        if field.name not in OPTIONAL | rows.unset and rows.table.column(field.name).null_count:
            missing = rows.table.column(field.name).is_null().to_numpy()
            yield np.flatnonzero(missing), f"is ok without {field.name}"


def _finite(rows: Rows) -> Bad:
    for field in rows.kind.columns:
        if pa.types.is_floating(_leaf_type(field.type)):
            numbers, of = leaves(rows.table.column(field.name))
            yield of[~np.isfinite(numbers)], f"has a {field.name} that is not a number"


def _outside(numbers: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (numbers < limits[0] - SLACK) | (numbers > limits[1] + SLACK)


def _ranges(rows: Rows) -> Bad:
    for name, fixed in RANGES.get(rows.kind.name, {}).items():
        limits = rows.score_range if name == SCORES else fixed
        numbers, of = leaves(rows.table.column(name))
        yield of[_outside(numbers, limits)], f"has {name} outside [{limits[0]:g}, {limits[1]:g}]"


def _boxes(rows: Rows) -> Bad:
    for field in rows.kind.columns:
        if field.type not in (BOX, pa.list_(BOX)) or rows.sizes is None:
            continue
        numbers, of = leaves(rows.table.column(field.name))
        box, of = numbers.reshape(-1, 4), of[::4]
        low, high = box[:, :2], box[:, 2:]
        yield of[(low > high).any(axis=1)], f"has {field.name} turned inside out"
        beyond = (low < -SLACK) | (high > rows.sizes[of] + SLACK)
        yield of[beyond.any(axis=1)], f"has {field.name} outside the picture"


def _parallel(rows: Rows) -> Bad:
    names = PARALLEL.get(rows.kind.name, ())
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


def _worded(rows: Rows) -> Bad:
    texts = pc.utf8_trim_whitespace(rows.table.column("text"))
    yield np.flatnonzero(pc.equal(texts, "").fill_null(False).to_numpy()), "has a text without a word"


def _labelled(rows: Rows) -> Bad:
    """Ids are ascending, their names distinct, and their areas no more than the whole map."""
    labels, of = leaves(rows.table.column("labels"))
    yield of[1:][(np.diff(labels) <= 0) & (np.diff(of) == 0)], "has labels that are not ascending"
    names = rows.table.column("label_names").to_pylist()
    twice = [index for index, row in enumerate(names) if row is not None and len({*row}) < len(row)]
    yield np.array(twice, int), "has a label name twice"
    areas, of = leaves(rows.table.column("label_areas"))
    whole = np.bincount(of, areas, rows.table.num_rows)
    yield np.flatnonzero(whole > 1 + SLACK), "has label_areas of more than the map"


def _of_length_one(rows: Rows) -> Bad:
    numbers, of = leaves(rows.table.column("vector"))
    squares = np.bincount(of, np.square(numbers, dtype=np.float64), rows.table.num_rows)
    yield np.flatnonzero(np.abs(squares - 1) > 2 * SLACK), "has a vector that is not of length 1"


def _as_wide(rows: Rows) -> Bad:
    widths = pc.list_value_length(rows.table.column("vector")).to_numpy()
    yield np.flatnonzero(widths != widths[:1]), "has a vector of another width than the first"


RULES: tuple[Rule, ...] = (_complete, _finite, _ranges, _boxes, _parallel)
RULES_OF_KIND: Mapping[str, tuple[Rule, ...]] = {
    "person": (_best_first,),
    "pose": (_points,),
    "caption": (_worded,),
    "prompt": (_worded,),
    "embedding": (_of_length_one, _as_wide),
    "segmentation": (_labelled,),
}


def broken(rows: Rows) -> Bad:
    """What ``rows`` break: at most one item per rule and column, each about at least one row."""
    for rule in (*RULES, *RULES_OF_KIND.get(rows.kind.name, ())):
        for bad, message in rule(rows):
            if len(bad):
                yield bad, message


def _labels_fault(card: Mapping[str, Any]) -> str | None:
    labels = card.get("labels")
    if not isinstance(labels, list) or not labels or not all(isinstance(name, str) for name in labels):
        return "does not say in labels what its ids are"
    if len(labels) > UNKNOWN_LABEL or len({*labels}) < len(labels):
        return f"has more than {UNKNOWN_LABEL} labels, or one of them twice"
    return None


def _width_fault(card: Mapping[str, Any]) -> str | None:
    width = card.get("width")
    return None if isinstance(width, int) and width > 0 else "does not say in width how many numbers its vectors have"


def _cache_fault(*sizes: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Of a kind that is a cache: of what, by which weights, and how large it is."""

    def fault(card: Mapping[str, Any]) -> str | None:
        missing = [name for name in ("encoder", "of") if not isinstance(card.get(name), str)]
        missing += [name for name in sizes if not isinstance(card.get(name), int) or card[name] < 1]
        return f"does not say {missing[0]}, by which a trainer knows whether it may use the layer" if missing else None

    return fault


CARD_RULES: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    "segmentation": _labels_fault,
    "embedding": _width_fault,
    "latent": _cache_fault("channels", "shrinks"),
    "prompt": _cache_fault("tokens", "width"),
}
"""By kind, what is wrong with a ``layer.json`` beyond what every one must say."""


def card_fault(kind: str, card: Mapping[str, Any]) -> str | None:
    """What ``layer.json`` of a layer of ``kind`` does not say and should, in words that follow its name; None if nothing."""
    return CARD_RULES[kind](card) if kind in CARD_RULES else None
