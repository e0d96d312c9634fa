"""Which figures the report shows, in which order, and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from humanverse.dataset.stats import SEEN, Series
from humanverse.report.histogram import Histogram, histogram
from schemas.layers import KINDS

IMAGE = "image"


@dataclass(frozen=True)
class Figure:
    """How one figure of a kind is shown; ``shape`` is a key of ``histogram.SHAPES``."""

    title: str
    shape: str = "free"


_SEEN = f"share of its covered points with confidence ≥ {SEEN}"
FIGURES: dict[str, Figure] = {
    "image.width": Figure("width, pixels"),
    "image.height": Figure("height, pixels"),
    "image.megapixels": Figure("megapixels"),
    "image.jpg_kilobytes": Figure("stored JPEG, kB"),
    "person.boxes": Figure("person boxes per picture, of any score", "whole"),
    "person.score": Figure("score of a person box", "unit"),
    "person.area_ratio": Figure("area of a person box / picture", "unit"),
    "pose.body_seen": Figure(f"body: {_SEEN}", "unit"),
    "pose.feet_seen": Figure(f"feet: {_SEEN}", "unit"),
    "pose.face_seen": Figure(f"face: {_SEEN}", "unit"),
    "pose.left_hand_seen": Figure(f"left hand: {_SEEN}", "unit"),
    "pose.right_hand_seen": Figure(f"right hand: {_SEEN}", "unit"),
    "safety.unsafe": Figure("probability of explicit content", "unit"),
    "watermark.watermark": Figure("probability of a visible watermark", "unit"),
    "similarity.score": Figure("cosine of picture and text"),
    "similarity.truncated": Figure("text longer than what the model reads", "flag"),
    "text.has_text": Figure("text or watermark found", "flag"),
    "text.text_area_ratio": Figure("area of text / picture", "unit"),
    "aesthetic.score": Figure("aesthetic score"),
    "quality.sharpness": Figure("sharpness"),
    "quality.brightness": Figure("brightness"),
    "quality.contrast": Figure("contrast"),
    "quality.colorfulness": Figure("colorfulness"),
    "quality.saturated_ratio": Figure("share of saturated pixels", "unit"),
    "quality.jpeg_quality": Figure("JPEG quality of the stored file"),
    "segmentation.people_area": Figure("share of the picture that is people, by its parts", "unit"),
    "segmentation.parts": Figure("different parts of people in a picture", "whole"),
    "depth.minimum": Figure("nearest or least depth in a picture"),
    "depth.maximum": Figure("farthest or greatest depth in a picture"),
}
HIDDEN = frozenset({"depth.scale", "depth.offset"})
"""How a map is packed, not what it says."""


@dataclass(frozen=True)
class Chart:
    """One histogram with its title."""

    title: str
    histogram: Histogram


@dataclass(frozen=True)
class Group:
    """The charts of one layer.

    Attributes:
        title: its kind, and its name where there are several of the kind.
        note: what the reader must know about all of them; may be empty.
    """

    title: str
    note: str
    charts: tuple[Chart, ...]


def _of_kind(name: str) -> str:
    """``<kind>.<figure>`` of ``<kind>/<layer>.<figure>``: what the catalogue has it under."""
    layer, _, figure = name.partition(".")
    return f"{layer.partition('/')[0]}.{figure}"


def _order(name: str) -> tuple[int, str, int, str]:
    """Kinds as in the catalogue, of a kind one layer after the other, of a layer the figures as in the catalogue."""
    known = list(FIGURES)
    kinds = list(dict.fromkeys(figure.partition(".")[0] for figure in known))
    layer, own = name.partition(".")[0], _of_kind(name)
    kind = own.partition(".")[0]
    place = known.index(own) if own in FIGURES else len(known)
    return (kinds.index(kind) if kind in kinds else len(kinds), layer, place, name)


def _chart(name: str, series: Series) -> Chart | None:
    """None for a figure without finite values."""
    values = series.values()
    finite = values[np.isfinite(values)]
    figure = FIGURES.get(_of_kind(name)) or Figure(name.partition(".")[2].replace("_", " "))
    return Chart(figure.title, histogram(finite, figure.shape, series.count)) if len(finite) else None


def groups(series: Mapping[str, Series], layers: Iterable[str]) -> list[Group]:
    """Every figure that has values, by layer; figures that the catalogue does not know come last.

    Args:
        series: from ``humanverse.dataset.stats.collect``.
        layers: ``<kind>/<name>`` of the dataset's layers.
    """
    per_kind = Counter(layer.partition("/")[0] for layer in layers)
    charts: dict[str, list[Chart]] = {}
    for name in sorted(series, key=_order):
        if _of_kind(name) not in HIDDEN and (chart := _chart(name, series[name])):
            charts.setdefault(name.partition(".")[0], []).append(chart)
    return [_group(layer, per_kind[layer.partition("/")[0]] > 1, items) for layer, items in charts.items()]


def _group(layer: str, several: bool, charts: Iterable[Chart]) -> Group:
    kind = layer.partition("/")[0]
    title = "pictures" if kind == IMAGE else layer if several else kind
    return Group(title, KINDS[kind].summary if kind in KINDS else "", tuple(charts))
