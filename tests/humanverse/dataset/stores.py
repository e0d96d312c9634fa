"""Stores that fail on purpose."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from humanverse.storage import TMP, Store


class Killed(Exception):
    """The writer died."""


class DyingStore(Store):
    """Dies at the n-th write, before or after the file has its name.

    Args:
        writes: that succeed before.
        after: whether the fatal write still gets its name.
    """

    def __init__(self, url: Path, writes: int, after: bool = False) -> None:
        super().__init__(url)
        self.left, self.after = writes, after
        self.written: list[str] = []

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        if self.left == 0 and not self.after:
            left = Path(self.full(TMP)) / uuid.uuid4().hex
            left.parent.mkdir(parents=True, exist_ok=True)
            left.write_bytes(b"half of a file")
            raise Killed(path)
        with super().writing(path) as scratch:
            yield scratch
        self.written.append(path)
        if self.left == 0:
            raise Killed(path)
        self.left -= 1


class RecordingStore(Store):
    """Notes what is written and what is read, in order."""

    def __init__(self, url: Path | str) -> None:
        super().__init__(url)
        self.written: list[str] = []
        self.ranges: list[tuple[str, int, int]] = []

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        with super().writing(path) as scratch:
            yield scratch
        self.written.append(path)

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        self.ranges.append((path, offset, size))
        return super().read_range(path, offset, size)
