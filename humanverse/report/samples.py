"""The samples that the report shows: their rows of every layer, their pictures with and without what was found."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.status import over_shards
from humanverse.errors import UserError, one_line
from humanverse.report import draw, maps
from humanverse.report.choice import choose
from humanverse.report.wording import clean, figure, is_web_link, percent
from schemas import images
from schemas.layers import OK

SIDE = 384
"""Longest side of an embedded picture, pixels."""
MAP_SIDE = 256
QUALITY = 80
COVERED_FROM = 0.5
"""Pictures with a safety score from here on are blurred until the reader asks for them."""
CREDIT = re.compile(r"licen[cs]e|credit|origin|author|attribution|copyright|rights|generated|synthetic", re.IGNORECASE)
"""Source columns that say whose picture it is, or that nobody took it."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Embedded:
    """A picture inside the page.

    Attributes:
        uri: ``data:`` URI of a JPEG.
        width: pixels.
        height: pixels.
        caption: what it shows.
        legend: (sRGB, words) of colours that need words.
    """

    uri: str
    width: int
    height: int
    caption: str
    legend: tuple[tuple[draw.Colour, str], ...] = ()


@dataclass(frozen=True)
class Card:
    """One sample as the template shows it; all texts are cleaned and not yet escaped.

    Attributes:
        place: shard and position in it.
        drawn: the picture with what was found on it; None if it could not be read.
        plain: the picture as it is.
        problem: why there is no picture.
        maps: of the dense layers that have one for this sample.
        captions: (what kind of caption, text).
        chips: (label, value), the short facts.
        credits: (column, value) of the source's columns that say whose picture it is.
        others: (column, value) of the source's other columns.
        url: where it came from; a link only if ``is_link``.
        silent: (layer, status, reason) of layers that say nothing about it.
        covered: whether it is blurred at first.
    """

    uid: str
    place: str
    drawn: Embedded | None
    plain: Embedded | None
    problem: str
    maps: tuple[Embedded, ...]
    captions: tuple[tuple[str, str], ...]
    chips: tuple[tuple[str, str], ...]
    credits: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    url: str
    is_link: bool
    silent: tuple[tuple[str, str, str], ...]
    covered: bool


def embed(rgb: np.ndarray, caption: str, legend: Sequence[tuple[draw.Colour, str]] = ()) -> Embedded:
    """``rgb``, uint8 (height, width, 3), as it is put into a page."""
    uri = f"data:image/jpeg;base64,{base64.b64encode(encode_jpeg(rgb, QUALITY)).decode()}"
    return Embedded(uri, rgb.shape[1], rgb.shape[0], caption, tuple(legend))


def small(jpeg: bytes, side: int = SIDE) -> np.ndarray:
    """The picture, its longer side at most ``side``: uint8 (height, width, 3). A large JPEG is never decoded at full size."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        image.draft("RGB", (2 * side, 2 * side))
        shown = image.convert("RGB")
    shown.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(shown)


def fitted(rgb: np.ndarray, side: int) -> np.ndarray:
    """``rgb`` with its longer side at most ``side``."""
    factor = side / max(rgb.shape[:2])
    if factor >= 1:
        return rgb
    width, height = (max(1, round(length * factor)) for length in (rgb.shape[1], rgb.shape[0]))
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def annotated(rgb: np.ndarray, row: Row, said: Mapping[str, Row], counted_from: float) -> np.ndarray:
    """``rgb`` with the text, person and pose layers on it.

    Args:
        rgb: uint8 (height, width, 3), the stored picture, made smaller or not.
        row: its row of the images table.
        said: its row of each layer, by kind.
        counted_from: score from which a box counts as a person.
    """
    scale = np.array([rgb.shape[1] / row["width"], rgb.shape[0] / row["height"]])
    shown = rgb
    if text := _answer(said, "text"):
        shown = draw.outlines(shown, np.array(text["boxes"], dtype=np.float64).reshape(-1, 4) * np.tile(scale, 2))
    if person := _answer(said, "person"):
        found = np.array(person["boxes"], dtype=np.float64).reshape(-1, 4) * np.tile(scale, 2)
        shown = draw.boxes(shown, found, person["scores"], counted_from)
    if pose := _answer(said, "pose"):
        people = np.array(pose["keypoints"], dtype=np.float64).reshape(-1, 133, 3) * [*scale, 1.0]
        shown = draw.skeletons(shown, people)
    return shown


def _answer(said: Mapping[str, Row], kind: str) -> Row | None:
    """What the layer of ``kind`` says about the picture; None if it says nothing."""
    row = said.get(kind)
    return row if row and row["status"] == OK else None


def _people(row: Row, counted_from: float) -> tuple[str, str]:
    return "people", str(sum(score >= counted_from for score in row["scores"]))


CHIPS: dict[str, Callable[[Row, float], tuple[str, str]]] = {
    "person": _people,
    "safety": lambda row, _: ("explicit", percent(row["unsafe"])),
    "watermark": lambda row, _: ("watermark", percent(row["watermark"])),
    "similarity": lambda row, _: ("text fits", figure(row["score"])),
    "text": lambda row, _: ("text", "yes" if row["has_text"] else "no"),
    "aesthetic": lambda row, _: ("aesthetic", figure(row["score"])),
    "quality": lambda row, _: ("sharpness", figure(row["sharpness"])),
}
"""Per kind, the short fact about a sample; the number is the score from which a box counts as a person."""


def _captions(row: Row, said: Mapping[str, Row], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    given, made = row.get("caption"), _answer(said, "caption")
    same = bool(given and made and made["text"] == given)
    if given and not same:
        yield "alt text from the source", clean(given)
    if made:
        method = clean(made["method"] or "method not stated")
        also = ", and alt text from the source" if same else ""
        yield f"written by {names['caption']} ({method}){also}", clean(made["text"] or "")


class Reader:
    """Makes cards out of one dataset's rows.

    Args:
        dataset: to read from.
        layers: kind -> the layer that is shown for it.
        counted_from: score from which a box counts as a person.
        selection: of which the samples are.
    """

    def __init__(
        self, dataset: Dataset, layers: Mapping[str, str], counted_from: float, selection: Selection | None = None
    ) -> None:
        self.dataset, self.layers, self.counted_from = dataset, layers, counted_from
        self.selection = selection or dataset.select(None)
        self._committed = {layer: dataset.layer_shards(layer) for layer in layers.values()}

    def cards(self, shard: int, positions: Sequence[int]) -> list[Card]:
        """The cards of the samples at ``positions`` of what is selected of the shard."""
        part = self.selection.read(shard)
        rows = part.images.take(positions).to_pylist()
        said = {
            kind: part.layer(layer).take(positions).to_pylist()
            for kind, layer in self.layers.items()
            if shard in self._committed[layer]
        }
        return [
            self.card(shard, int(part.positions[position]), row, {kind: table[index] for kind, table in said.items()})
            for index, (position, row) in enumerate(zip(positions, rows, strict=True))
        ]

    def card(self, shard: int, position: int, row: Row, said: Mapping[str, Row]) -> Card:
        """The card of one sample.

        Args:
            position: in the shard's table.
            row: of the images table.
            said: its row of each layer, by kind.
        """
        captions = tuple(_captions(row, said, self.layers))
        plain, drawn, problem = self._pictures(shard, row, said, captions[0][1] if captions else "no caption")
        safety = _answer(said, "safety")
        chips = [("stored", f"{row['width']} × {row['height']}")]
        chips += [chip(said[kind], self.counted_from) for kind, chip in CHIPS.items() if _answer(said, kind)]
        extra = [(clean(k), clean(v)) for k, v in row.items() if k not in images.RESERVED and v is not None]
        url = clean(row["url"] or "", limit=2000)
        return Card(
            uid=row["uid"],
            place=f"shard {shard}, sample {position}",
            drawn=drawn,
            plain=plain,
            problem=problem,
            maps=tuple(self._maps(shard, said)),
            captions=captions,
            chips=tuple(chips),
            credits=tuple(item for item in extra if CREDIT.search(item[0])),
            others=tuple(item for item in extra if not CREDIT.search(item[0])),
            url=url,
            is_link=is_web_link(url),
            silent=tuple(self._silent(said)),
            covered=safety is not None and safety["unsafe"] >= COVERED_FROM,
        )

    def _pictures(
        self, shard: int, row: Row, said: Mapping[str, Row], caption: str
    ) -> tuple[Embedded | None, Embedded | None, str]:
        """The picture without and with what was found, or why there is none. A bad sample costs one card, not the page."""
        try:
            rgb = small(self.dataset.jpeg(shard, row))
            found = annotated(rgb, row, said, self.counted_from)
        except (OSError, ValueError, UserError, Image.DecompressionBombError) as error:
            return None, None, f"the picture cannot be shown: {clean(one_line(error))}"
        return embed(rgb, caption), embed(found, f"{caption}, with boxes and skeletons"), ""

    def _maps(self, shard: int, said: Mapping[str, Row]) -> Iterator[Embedded]:
        for kind, view in maps.VIEWS.items():
            row = _answer(said, kind)
            png = self.png(kind, shard, row) if row else None
            if row and png:
                rgb, caption = view(png, row)
                yield embed(fitted(rgb, MAP_SIDE), caption, maps.legend(kind, row))

    def png(self, kind: str, shard: int, row: Row) -> bytes | None:
        """The map that a layer's row is about."""
        return self.dataset.map_png(self.layers[kind], shard, row)

    def _silent(self, said: Mapping[str, Row]) -> Iterator[tuple[str, str, str]]:
        for kind, layer in self.layers.items():
            if kind not in said:
                yield layer, "not made yet", "its shard of this layer is not committed"
            elif said[kind]["status"] != OK:
                yield layer, said[kind]["status"], clean(said[kind]["reason"] or "no reason given")


def shown_layers(dataset: Dataset, pins: Mapping[str, str] | None = None) -> dict[str, str]:
    """Per kind the layer that samples are shown with: of ``pins``, or the recipe's, or the first of those that are there."""
    wanted = {kind: f"{kind}/{item.layer_name}" for kind, item in dataset.recipe.annotators.items()}
    shown: dict[str, str] = {}
    for layer in dataset.layers():
        kind = layer.partition("/")[0]
        if kind not in shown or wanted.get(kind) == layer:
            shown[kind] = layer
    return shown | dict(pins or {})


def read(
    dataset: Dataset,
    layers: Mapping[str, str],
    counts: Mapping[int, int],
    wanted: int,
    selection: Selection | None = None,
) -> list[Card]:
    """Cards of at most ``wanted`` samples, evenly spread; reads the tables of their shards, and of the tars only their bytes.

    Args:
        layers: from ``shown_layers``.
        counts: from ``holdings.read``.
        selection: which ``counts`` are of.
    """
    reader = Reader(dataset, layers, dataset.recipe.gate.person_score, selection)
    chosen = choose(counts, wanted)
    read_cards = over_shards(lambda shard: reader.cards(shard, chosen[shard]), chosen)
    return [card for cards in read_cards for card in cards]
