"""Margins without a model: the picture's border repeated or mirrored. What a model is to be better than."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from annotators.base import Card, Picture
from annotators.outpaint.base import KIND, MarginSettings, Outpainter
from annotators.outpaint.canvas import Canvas, laid

_BORDERS = {"replicate": "BORDER_REPLICATE", "reflect": "BORDER_REFLECT_101"}
"""Fill -> OpenCV's name for it."""


class EdgeSettings(MarginSettings):
    """Attributes:
    fill: replicate repeats the outermost pixels, reflect mirrors the picture at them.
    """

    fill: Literal["replicate", "reflect"] = "replicate"


class Edge(Outpainter):
    """Margins out of the border's pixels."""

    card = Card(
        kind=KIND,
        name="edge",
        version=1,
        summary="margins that repeat or mirror the border; no model, to compare others with",
        model="none: OpenCV's copyMakeBorder",
        licence="none needed",
        protocol="margins in shares of the picture's sides, rounded to whole pixels",
        output="the picture, bit for bit, with margins around it; nothing is made up about what lies outside",
        packages={"cv2": ""},
        source="none needed",
        speed="instant",
    )
    Settings = EdgeSettings
    settings: EdgeSettings
    cpu_only = True

    def grown(self, pictures: Sequence[Picture]) -> list[Canvas]:
        return [self._canvas(picture) for picture in pictures]

    def _canvas(self, picture: Picture) -> Canvas:
        import cv2

        frame = self.settings.frame((picture.rgb.shape[1], picture.rgb.shape[0]))
        sides = (frame.top, frame.bottom, frame.left, frame.right)
        border: int = getattr(cv2, _BORDERS[self.settings.fill])
        return laid(picture.rgb, cv2.copyMakeBorder(picture.rgb, *sides, borderType=border), frame)
