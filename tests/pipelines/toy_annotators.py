"""Annotators for tests, named on the command line as ``caption=tests.pipelines.toy_annotators:Says``."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence

import numpy as np

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable

MODULE = __name__


class ToySettings(Settings):
    """Attributes:
    uid: of the picture on which it misbehaves; any prefix of it.
    word: what it says.
    seconds: how long each picture takes.
    """

    uid: str = "none"
    word: str = "seen"
    seconds: float = 0.0


class Says(Annotator):
    """Says its word, the picture's size and brightness."""

    card = Card("caption", "says", 1, "for tests", "none", "none", "none", "none")
    Settings = ToySettings
    settings: ToySettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture) for picture in pictures]

    def _row(self, picture: Picture) -> Row:
        if picture.uid.startswith(self.settings.uid):
            self.misbehave()
        time.sleep(self.settings.seconds)
        height, width = picture.rgb.shape[:2]
        text = f"{self.settings.word} {width} x {height}, {picture.rgb.mean():.3f}"
        return {"text": text, "language": "en", "method": "toy"}

    def misbehave(self) -> None:
        """Nothing."""


class Raises(Says):
    """Raises on one picture."""

    @property
    def batch_size(self) -> int:
        return 4

    def misbehave(self) -> None:
        raise ZeroDivisionError("by nought\nat all")


class Kills(Says):
    """Ends its process on one picture, as a crash in native code or the kernel for want of memory does."""

    @property
    def batch_size(self) -> int:
        return 8

    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Hungry(Says):
    """Has no memory for more than three pictures at once."""

    @property
    def batch_size(self) -> int:
        return 8

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        if len(pictures) > 3:
            raise MemoryError
        return super().annotate(pictures, needs)


class Twists(Says):
    """Gives rows that are not of its kind for one picture."""

    def _row(self, picture: Picture) -> Row:
        row = super()._row(picture)
        return {**row, "text": 7} if picture.uid.startswith(self.settings.uid) else row


class Misspells(Says):
    """Gives rows with a column that its kind has not, for one picture."""

    def _row(self, picture: Picture) -> Row:
        return {"txt": 3} if picture.uid.startswith(self.settings.uid) else super()._row(picture)


class Unloadable(Says):
    """Cannot be loaded."""

    def load(self) -> None:
        raise RuntimeError("no model\nhere")


class Counts(Annotator):
    """Counts the people of the person layer."""

    card = Card("aesthetic", "counts", 1, "for tests", "none", "none", "none", "none", needs=("person",))
    looks = False

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"score": float(len(row["boxes"]))} for row in needs["person"]]


class Tells(Annotator):
    """Says what the caption layer says, in upper case."""

    card = Card("safety", "tells", 1, "for tests", "none", "none", "none", "none", needs=("caption",))
    looks = False

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [
            {"unsafe": len(row["text"]) / 1000} if row["status"] == "ok" else Unavailable("no caption")
            for row in needs["caption"]
        ]


class Slope(Annotator):
    """A depth map that rises from left to right, and is nowhere on one picture."""

    card = Card("depth", "slope", 1, "for tests", "none", "none", "none", "none")
    Settings = ToySettings
    settings: ToySettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture) for picture in pictures]

    def _row(self, picture: Picture) -> Row:
        depth = np.tile(np.linspace(1, 1 + picture.rgb[0, 0, 0] / 255, 32, dtype=np.float32), (24, 1))
        if picture.uid.startswith(self.settings.uid):
            return {"map": "no map", "depth_kind": "metric", "unit": "m"}
        return {"map": depth, "depth_kind": "metric", "unit": "m"}


class Plain:
    """Not an annotator."""
