"""Paintings that were made, by uid: so many bytes of them in memory, and all of them in a folder if one is named.

In the folder a painting is ``<digest of what made it>/<uid>.png``. The folder decides nothing: a file that is not there, or not
what it should be, is painted again, and one that cannot be written is left out.
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

from annotators.outpaint.base import Files
from humanverse.errors import UserError

MOST_BYTES = 256_000_000
"""In memory: more than 64 pictures take of 512 x 512, which is what estimators are given at once."""


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

    def get(self, uid: str, size: tuple[int, int]) -> np.ndarray | None:
        """The painting for a sample, of ``size`` (width, height); None if there is none."""
        painting = self._there.get(uid)
        if painting is None:
            painting = self._read(uid)
        if painting is None or painting.shape != (size[1], size[0], 3):
            return None
        self._remember(uid, painting)
        return painting

    def put(self, uid: str, painting: np.ndarray) -> None:
        """Keep the painting for a sample."""
        self._remember(uid, painting)
        if self._files:
            png = cv2.imencode(".png", painting[:, :, ::-1])[1]
            with contextlib.suppress(UserError, OSError):
                self._files.write(self._path(uid), png.tobytes())

    def _path(self, uid: str) -> str:
        return f"{self._folder}/{uid}.png"

    def _read(self, uid: str) -> np.ndarray | None:
        if self._files is None:
            return None
        try:
            data = self._files.read(self._path(uid))
        except (UserError, OSError):
            return None
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        return None if pixels is None else pixels[:, :, ::-1]

    def _remember(self, uid: str, painting: np.ndarray) -> None:
        """Note it as the one used last, and let go of those used longest ago if there are too many bytes."""
        before = self._there.pop(uid, None)
        self._bytes += painting.nbytes - (0 if before is None else before.nbytes)
        self._there[uid] = painting
        while self._bytes > self._most and len(self._there) > 1:
            self._bytes -= self._there.popitem(last=False)[1].nbytes
