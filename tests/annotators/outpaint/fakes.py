"""Outpainters and annotators of known output. Named on the command line as ``tests.annotators.outpaint.fakes:Plain``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.maps import people_in
from annotators.outpaint.base import KIND, MarginSettings, Outpainter
from annotators.outpaint.canvas import Canvas, laid
from humanverse.codec import encode_jpeg

COLOUR = (255, 0, 128)
LABELS = ["background", "dark", "light", "margin"]


class Plain(Outpainter):
    """Margins of one colour."""

    card = Card(KIND, "plain", 1, "for tests", "none", "none", "none", "none")
    cpu_only = True

    def grown(self, pictures: Sequence[Picture]) -> list[Canvas]:
        return [self._canvas(picture) for picture in pictures]

    def _canvas(self, picture: Picture) -> Canvas:
        frame = self.settings.frame((picture.rgb.shape[1], picture.rgb.shape[0]))
        width, height = frame.canvas
        return laid(picture.rgb, np.full((height, width, 3), COLOUR, np.uint8), frame)


class WholeBox(Annotator):
    """One box as large as what it is shown, one at its top left corner, one at its bottom right."""

    card = Card("person", "whole", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture) for picture in pictures]

    def _row(self, picture: Picture) -> Row:
        height, width = picture.rgb.shape[:2]
        boxes = [[0.0, 0.0, width, height], [0.0, 0.0, 2.0, 2.0], [width - 2.0, height - 2.0, width, height]]
        area = width * height
        ratios = [1.0, 4 / area, 4 / area]
        return {"boxes": boxes, "scores": [0.9, 0.8, 0.7], "area_ratios": ratios, "union_area_ratio": 1.0}


class Corners(Annotator):
    """Of each person the corners of the box that it is given, as four points, and a nose in the middle; no other points."""

    card = Card("pose", "corners", 1, "for tests", "none", "none", "none", "none", needs=("person",))

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(row) for row in needs["person"]]

    def _row(self, person: Row) -> Row | Unavailable:
        if person["status"] != "ok":
            return Unavailable("no person row")
        people = [self._points(*box) for box in person["boxes"]]
        present = [index < 5 for index in range(133)]
        return {"keypoints": people, "present": [present] * len(people), "scores": [0.5] * len(people)}

    def _points(self, x0: float, y0: float, x1: float, y1: float) -> list[float]:
        points = np.zeros((133, 3))
        points[:5] = [[(x0 + x1) / 2, (y0 + y1) / 2, 1], [x0, y0, 0.5], [x1, y0, 0.5], [x1, y1, 0.5], [x0, y1, 0.5]]
        return list(points.ravel())


class GridSettings(Settings):
    """Attributes:
    columns, rows: of the map; 0 for the size of what it is shown.
    """

    columns: int = 0
    rows: int = 0


class RedDepth(Annotator):
    """How red what it is shown is, as depth: at every pixel, or at the pixel in the middle of each cell of a grid."""

    card = Card("depth", "red", 1, "for tests", "none", "none", "none", "none")
    Settings = GridSettings
    settings: GridSettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture.rgb) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        return {"map": sampled(rgb, self.settings)[:, :, 0].astype(np.float32), "depth_kind": "relative", "unit": None}


class RedOfPeople(RedDepth):
    """The same of the people in the segmentation layer, and nothing beside them."""

    card = Card("depth", "red-of-people", 1, "for tests", "none", "none", "none", "none", needs=("segmentation",))

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        made = [self._row(picture.rgb) for picture in pictures]
        for row, picture, parts in zip(made, pictures, needs["segmentation"], strict=True):
            height, width = picture.rgb.shape[:2]
            row["map"][~people_in(parts, (0, 0, width, height), row["map"].shape)] = np.nan
        return made


class ColourNormal(Annotator):
    """What it is shown, read as vectors."""

    card = Card("normal", "colour", 1, "for tests", "none", "none", "none", "none")
    Settings = GridSettings
    settings: GridSettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"map": sampled(picture.rgb, self.settings).astype(np.float32) - 127.5} for picture in pictures]


class DarkParts(Annotator):
    """Label 1 where what it is shown is dark, 2 where it is light, 3 where it is ``COLOUR``."""

    card = Card("segmentation", "dark", 1, "for tests", "none", "none", "none", "none")
    Settings = GridSettings
    settings: GridSettings

    def describes(self) -> dict[str, Any]:
        return {"labels": LABELS}

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(sampled(picture.rgb, self.settings)) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        ids = np.where(rgb[:, :, 1] < 128, 1, 2).astype(np.uint8)
        ids[(rgb == COLOUR).all(axis=2)] = 3
        return {"map": ids, "label_names": [LABELS[label] for label in np.unique(ids).tolist()]}


class Sentence(Annotator):
    """A kind that says nothing of where."""

    card = Card("caption", "sentence", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"text": "a picture", "language": "en", "method": "toy"} for _ in pictures]


def sampled(rgb: np.ndarray, grid: GridSettings) -> np.ndarray:
    """The pixels in the middle of the cells of a grid over a picture, (rows, columns, 3)."""
    rows, columns = grid.rows or rgb.shape[0], grid.columns or rgb.shape[1]
    down = ((np.arange(rows) + 0.5) * rgb.shape[0] / rows).astype(int)
    across = ((np.arange(columns) + 0.5) * rgb.shape[1] / columns).astype(int)
    return rgb[np.ix_(down, across)]


def picture(width: int, height: int, uid: str = "0" * 32) -> Picture:
    """Noise of its own for each uid."""
    noise = np.random.default_rng(int(uid, 16)).integers(0, 255, (height, width, 3), np.uint8)
    return Picture(uid, encode_jpeg(noise, 95))


def margins(left: float = 0, top: float = 0, right: float = 0, bottom: float = 0, reach: float = 1) -> MarginSettings:
    return MarginSettings(left=left, top=top, right=right, bottom=bottom, reach=reach)
