"""Depth and normals of people by the lite structure network: what its two annotators have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Annotator, Picture, Row, Unavailable
from annotators.engines import onnx_session
from annotators.maps import MapSettings, bounded
from annotators.pose.assembly import people_of
from annotators.pose.crops import Window, cut
from annotators.structure import selfie
from annotators.structure.inputs import SIDE, around_people, drawn_boxes, in_window, planes
from annotators.structure.mirroring import both_ways
from annotators.structure.selfie import Selfie
from annotators.weights import Weight, obtain
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY

NETWORK = Weight(
    str(Path(__file__).with_name("lite-structure.onnx")),
    "cc8c5228a1812785fd7bd8396dd02216c5e7c826e239f0379a04d9322d54d278",
    7118789,
)
WEIGHTS = (NETWORK, selfie.MODEL)
REACH = 0.1
"""How far beside its box a person may be, in the box's sides."""
_REMEMBERED = 64
"""Pictures whose maps are kept for the other of the two layers: as many as annotators are given one after another."""


class LiteStructureSettings(MapSettings):
    """Attributes:
    min_person_score: people whose box scores less are not looked at; that of the lite pose estimator.
    min_mask: from which probability on a pixel is taken to be of a person.
    """

    min_person_score: float = Field(default=0.3, ge=0, le=1)
    min_mask: float = Field(default=0.4, gt=0, lt=1)


@dataclass(frozen=True)
class Maps:
    """What the network says of a picture.

    Attributes:
        depth: float32 (height, width), relative, larger is farther.
        normal: float32 (height, width, 3), unit vectors: x right, y up, z towards the camera.
        people: float32 (height, width), log-odds that one of the people is seen; -inf far from all of their boxes.
        box: the part of the picture that they cover, (x0, y0, x1, y1) in its pixels.
    """

    depth: np.ndarray
    normal: np.ndarray
    people: np.ndarray
    box: tuple[float, float, float, float]


_said: OrderedDict[tuple[Any, ...], Maps | None] = OrderedDict()


def cells_inside(
    window: Window, size: tuple[int, int], side: int
) -> tuple[slice, slice, tuple[float, float, float, float]]:
    """Rows and columns of the window's cells that lie wholly inside a picture, and the box that they cover there.

    Args:
        window: upright.
        size: of the picture, (width, height).
        side: cells along the window's side.
    """
    pitch = window.side / side
    spans, low, high = [], [], []
    for middle, extent in zip((window.x, window.y), size, strict=True):
        start = middle - window.side / 2
        first = max(0, int(np.ceil(-start / pitch - 1e-6)))
        last = min(side, int(np.floor((extent - start) / pitch + 1e-6)))
        spans.append(slice(first, max(last, first)))
        low.append(max(0.0, start + first * pitch))
        high.append(min(float(extent), start + last * pitch))
    return spans[1], spans[0], (low[0], low[1], high[0], high[1])


class LiteStructure(Annotator):
    """Base: give the card, and ``row``. What was said of a picture is remembered for the other of the two annotators."""

    cpu_only = True
    Settings = LiteStructureSettings
    settings: LiteStructureSettings

    @abstractmethod
    def row(self, maps: Maps, people: np.ndarray) -> Row:
        """The kind's columns without ``map_box``, the map under ``"map"``.

        Args:
            maps: what the network says.
            people: bool (height, width), where that is of a person.
        """

    def load(self) -> None:
        path = obtain(self.weight(NETWORK))
        self._session = onnx_session(path)
        self._selfie = Selfie(self.weight)
        self._loaded = (str(path), self.weight(selfie.MODEL).sha256)

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [
            self._row(picture, person, pose)
            for picture, person, pose in zip(pictures, needs["person"], needs["pose"], strict=True)
        ]

    def _row(self, picture: Picture, person: Row, pose: Row) -> Row | Unavailable:
        for kind, said in (("person", person), ("pose", pose)):
            if said["status"] != OK:
                return Unavailable(f"no {kind} row: {said['reason']}")
        maps = self._maps(picture, person, pose)
        if maps is None:
            height, width = picture.rgb.shape[:2]
            maps = _nobody(width, height)
        people = maps.people > np.log(self.settings.min_mask / (1 - self.settings.min_mask))
        return {**self.row(maps, people), "map_box": list(maps.box)}

    def _maps(self, picture: Picture, person: Row, pose: Row) -> Maps | None:
        """What is said of a picture; None if nobody is in it."""
        boxes, scores = people_of(person)
        looked_at = scores >= self.settings.min_person_score
        points = np.array(pose["keypoints"], np.float64).reshape(-1, len(WHOLEBODY), 3)[looked_at]
        key = (*self._loaded, picture.uid, picture.rgb.shape, boxes[looked_at].tobytes(), points.tobytes())
        if key not in _said:
            _said[key] = self._look(picture.rgb, boxes[looked_at], points) if looked_at.any() else None
            while len(_said) > _REMEMBERED:
                _said.popitem(last=False)
        return _said[key]

    def _look(self, rgb: np.ndarray, boxes: np.ndarray, points: np.ndarray) -> Maps | None:
        window = around_people(boxes)
        rows, columns, box = cells_inside(window, rgb.shape[1::-1], SIDE)
        if rows.start == rows.stop or columns.start == columns.stop:
            return None
        places, around = in_window(window, points, boxes)
        shown = planes(cut(rgb, window, SIDE), self._mask(rgb, window), places, around)
        (said,) = both_ways(self._network, shown[None])
        said[4, ~near(around, SIDE)] = -np.inf
        inside = said[:, rows, columns]
        return Maps(inside[0], inside[1:4].transpose(1, 2, 0), inside[4], box)

    def _network(self, inputs: np.ndarray) -> np.ndarray:
        said: np.ndarray = self._session.run(None, {"input": inputs})[0]
        return said

    def _mask(self, rgb: np.ndarray, window: Window) -> np.ndarray:
        """float32 (``SIDE``, ``SIDE``): how surely each cell of the window shows a person, by the segmenter."""
        import cv2

        said = self._selfie.mask(cut(rgb, window, selfie.SIDE))
        return np.asarray(cv2.resize(said, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def near(boxes: np.ndarray, side: int) -> np.ndarray:
    """bool (side, side): the cells in or close to any of ``boxes``, float (n, 4) in fractions of the window's side."""
    reach = REACH * np.tile(boxes[:, 2:] - boxes[:, :2], 2) * (-1, -1, 1, 1)
    return drawn_boxes(boxes + reach, side) > 0


def _nobody(width: int, height: int) -> Maps:
    """Of a whole picture in which nobody is: one cell that is of no person."""
    return Maps(
        np.zeros((1, 1), np.float32), np.zeros((1, 1, 3), np.float32), np.full((1, 1), -np.inf, np.float32),
        (0.0, 0.0, float(width), float(height)),
    )  # fmt: skip


def masked(values: np.ndarray, people: np.ndarray, side: int) -> np.ndarray:
    """A map at most ``side`` long: the mean of its values that are of people, NaN where less than half of a cell is.

    Args:
        values: float32 (height, width) or (height, width, 3).
        people: bool (height, width).
        side: the longest side, in cells.
    """
    share = bounded(people.astype(np.float32), side)
    weight = people if values.ndim == 2 else people[:, :, None]
    total = bounded(np.where(weight, values, 0).astype(np.float32), side)
    counted = share if values.ndim == 2 else share[:, :, None]
    return np.divide(total, counted, out=np.full(total.shape, np.nan, np.float32), where=counted >= 0.5)
