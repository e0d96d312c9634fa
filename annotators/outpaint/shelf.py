"""Paintings that were made, by what they were made of: so many bytes of them in memory, and all of them in a folder if one is
named.

In the folder a painting is ``<digest of what made it>/<name>.png``, see ``name_of``. The folder decides nothing: a file that is
not there, or not what it should be, is painted again, and one that cannot be written is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from annotators.base import Picture
from annotators.outpaint.base import Files
from humanverse.errors import UserError

MOST_BYTES = 256_000_000
"""In memory: more than 64 pictures take of 512 x 512, which is what estimators are given at once."""


def name_of(picture: Picture) -> str:
    """``<uid>-<first 16 digits of the stored JPEG's SHA-256>``: a sample may be stored otherwise in another dataset, or when its
    layers are made again after its faces were blurred, and then other margins belong to it."""
    return f"{picture.uid}-{hashlib.sha256(picture.jpeg).hexdigest()[:16]}"


class Shelf:
    """Keeps paintings, uint8 (height, width, 3).

    Args:
        made_by: what decides them, as JSON values.
        files: the folder; None for none.
        most: bytes in memory.

    Raises:
        UserError: if the folder cannot be reached.
    """

    def __init__(self, made_by: Mapping[str, Any], files: Files | None, most: int = MOST_BYTES) -> None:
        text = json.dumps(made_by, sort_keys=True, separators=(",", ":"))
        self._folder = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._files, self._most, self._bytes = files, most, 0
        self._there: OrderedDict[str, np.ndarray] = OrderedDict()
        if files:
            with contextlib.suppress(FileNotFoundError):
                files.read(f"{self._folder}/none.png")

    def get(self, name: str, size: tuple[int, int]) -> np.ndarray | None:
        """The painting of a name, of ``size`` (width, height); None if there is none."""
        painting = self._there.get(name)
        if painting is None:
            painting = self._read(name)
        if painting is None or painting.shape != (size[1], size[0], 3):
            return None
        self._remember(name, painting)
        return painting

    def put(self, name: str, painting: np.ndarray) -> None:
        """Keep the painting of a name."""
        self._remember(name, painting)
        if self._files:
            png = cv2.imencode(".png", painting[:, :, ::-1])[1]
            with contextlib.suppress(UserError, OSError):
                self._files.write(self._path(name), png.tobytes())

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}.png"

    def _read(self, name: str) -> np.ndarray | None:
        if self._files is None:
            return None
        try:
            data = self._files.read(self._path(name))
        except (UserError, OSError):
            return None
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        return None if pixels is None else pixels[:, :, ::-1]

    def _remember(self, name: str, painting: np.ndarray) -> None:
        """Note it as the one used last, and let go of those used longest ago if there are too many bytes."""
        before = self._there.pop(name, None)
        self._bytes += painting.nbytes - (0 if before is None else before.nbytes)
        self._there[name] = painting
        while self._bytes > self._most and len(self._there) > 1:
            self._bytes -= self._there.popitem(last=False)[1].nbytes
