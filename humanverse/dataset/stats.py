"""Distributions of what a dataset holds: sizes, people, scores, visible points. One pass, bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset.reader import Dataset
from humanverse.dataset.sample import rows
from humanverse.dataset.selection import Selection
from humanverse.labels import people_area
from schemas.layers import BACKGROUND_LABEL, OK
from schemas.skeletons import PARTS

RESERVOIR = 100_000
AS_LISTED, DRIFTED = "as listed", "drifted"
SEEN = 0.3
"""Confidence from which a keypoint counts as seen in these figures."""


class Series:
    """Count, mean and quantiles of numbers that come one by one.

    Quantiles are exact up to ``RESERVOIR`` values; from then on of a uniform sample of that size, drawn with a fixed seed.
    """

    def __init__(self) -> None:
        self.count, self._sum = 0, 0.0
        self._kept: list[float] = []
        self._random = np.random.default_rng(0)

    def add(self, value: float) -> None:
        self.count += 1
        self._sum += value
        if len(self._kept) < RESERVOIR:
            self._kept.append(value)
        elif (place := int(self._random.integers(self.count))) < RESERVOIR:
            self._kept[place] = value

    def values(self) -> np.ndarray:
        """float64, the values that quantiles are taken of."""
        return np.array(self._kept)

    def summary(self) -> dict[str, float]:
        """``count``, ``mean``, and the 0, 5, 50, 95 and 100 % quantiles."""
        if not self.count:
            return {"count": 0}
        low, p5, p50, p95, high = np.quantile(self.values(), [0, 0.05, 0.5, 0.95, 1])
        figures = {"mean": self._sum / self.count, "min": low, "p5": p5, "p50": p50, "p95": p95, "max": high}
        return {"count": self.count, **{name: round(float(value), 4) for name, value in figures.items()}}


def _image(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "image.width", row["width"]
    yield "image.height", row["height"]
    yield "image.megapixels", row["width"] * row["height"] / 1e6
    yield "image.jpg_kilobytes", row["jpg_size"] / 1000


def _person(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "boxes", len(row["boxes"])
    yield from (("score", score) for score in row["scores"])
    yield from (("area_ratio", ratio) for ratio in row["area_ratios"])


def _pose(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for points, present in zip(row["keypoints"], row["present"], strict=True):
        confidence = np.array(points).reshape(-1, 3)[:, 2]
        covered = np.array(present)
        for part, slots in PARTS.items():
            slots_covered = covered[slots.start : slots.stop]
            if slots_covered.any():
                seen = confidence[slots.start : slots.stop][slots_covered] >= SEEN
                yield f"{part}_seen", float(seen.mean())


def _segmentation(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "people_area", people_area(row)
    yield "parts", sum(label != BACKGROUND_LABEL for label in row["labels"])


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Every plain number of a row: the figures of kinds that have no view of their own."""
    for name, value in row.items():
        if isinstance(value, bool | int | float) and not name.startswith("map_"):
            yield name, float(value)


VIEWS = {"person": _person, "pose": _pose, "segmentation": _segmentation}


def figures(kind: str, row: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    """The figures that one layer row gives, as (name, value)."""
    return VIEWS.get(kind, _numbers)(row)


def _counted(kind: str, table: pa.Table) -> pa.Table:
    """The rows of a layer that say something, without columns of which no figure is made: vectors and boxes are long."""
    said = table.filter(pc.equal(table.column("status"), OK))
    return said if kind in VIEWS else said.select([field.name for field in table.schema if _plain(field.type)])


def _plain(kind: pa.DataType) -> bool:
    return pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)


def drifted(dataset: Dataset, shard: int) -> Counter[str]:
    """How many of a shard's rows had the bytes that the source's hash is of, and how many others; kept or not."""
    found = dataset.ledger(shard, ["drifted"]).column("drifted").drop_null()
    return Counter(DRIFTED if other else AS_LISTED for other in found.to_pylist())


def collect(dataset: Dataset, view: str | Selection | None = None) -> tuple[dict[str, Series], dict[str, Counter[str]]]:
    """All figures of a dataset: numbers by name, and counts of what is not a number (row statuses, formats, drift).

    Names are ``image.<figure>``, ``ledger.<figure>``, and ``<kind>/<name>.<figure>``: of each layer apart, since scales differ.

    Args:
        view: only of the samples that it has, and of a kind of which it says the layer, that one's figures alone (statuses are of
            all layers); what the ledger says of all rows is left out then.

    Raises:
        DatasetError: if something is damaged, or the view cannot be read with all shards.
    """
    selection, shards = dataset.select(view), dataset.shards()
    selection.check(shards)
    series: dict[str, Series] = {}
    counts: dict[str, Counter[str]] = {}

    def add(pairs: Iterable[tuple[str, float]]) -> None:
        for name, value in pairs:
            series.setdefault(name, Series()).add(value)

    layers = {layer: dataset.layer_shards(layer) for layer in dataset.layers()}
    for shard in shards:
        if not selection.view and (compared := drifted(dataset, shard)):
            counts.setdefault("ledger.source_hash", Counter()).update(compared)
        part = selection.read(shard)
        images = part.images
        counts.setdefault("image.original_format", Counter()).update(images.column("original_format").to_pylist())
        for row in rows(images):
            add(_image(row))
        for layer in (name for name, there in layers.items() if shard in there):
            table = part.layer(layer)
            counts.setdefault(f"{layer}.status", Counter()).update(table.column("status").to_pylist())
            kind = layer.partition("/")[0]
            if selection.pins.get(kind, layer) == layer:
                for row in rows(_counted(kind, table)):
                    add((f"{layer}.{name}", value) for name, value in figures(kind, row))
    return series, counts


def stats(dataset: Dataset, view: str | Selection | None = None) -> dict[str, Any]:
    """``collect`` as JSON values."""
    series, counts = collect(dataset, view)
    return {
        "numbers": {name: item.summary() for name, item in sorted(series.items())},
        "counts": {name: dict(counter.most_common()) for name, counter in sorted(counts.items())},
    }
