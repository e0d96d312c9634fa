"""Sources of files that can be read from any row on: shards are made of pieces of files, and cost nothing to skip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from os.path import commonpath
from typing import Any

import pyarrow as pa

from humanverse.sources.base import ShardRows
from humanverse.sources.storage import SourceFile


@dataclass(frozen=True)
class Piece:
    """Rows ``first`` to ``first + count`` (exclusive) of one file."""

    file: SourceFile
    first: int
    count: int


def listed_files(files: Sequence[SourceFile]) -> list[list[Any]]:
    """Names and sizes, as they stand in a source's identity. The folder that all lie in is left out: it may move."""
    folders = {file.path.rpartition("/")[0] for file in files}
    root = commonpath(folders) if len({file.fs for file in files}) == 1 else ""
    return [[file.path.removeprefix(root).lstrip("/"), file.size] for file in files]


class CountedSource(ABC):
    """Shards over files whose row counts are known without reading their rows. Subclasses say how to count and read."""

    kind: str
    remote: bool
    extra_fields: list[pa.Field]

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self.files = list(files)

    @abstractmethod
    def count_rows(self) -> list[int]:
        """The number of rows of each file, in order. Called once."""

    @abstractmethod
    def shard_of(self, number: int, start: int, stop: int, pieces: tuple[Piece, ...]) -> ShardRows:
        """The shard ``number``, which is the rows ``start`` to ``stop`` and lies in ``pieces``."""

    @cached_property
    def _starts(self) -> list[int]:
        """Row of the source at which each file begins, and the end after the last."""
        return list(accumulate(self.count_rows(), initial=0))

    def count(self) -> int:
        return self._starts[-1]

    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind, "rows": self.count(), "files": listed_files(self.files)}

    def _pieces(self, start: int, stop: int) -> Iterator[Piece]:
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            end = min(stop, self._starts[index + 1])
            if end > start:
                yield Piece(self.files[index], start - self._starts[index], end - start)
            start, index = end, index + 1

    def shards(self, size: int, skip: Container[int] = ()) -> Iterator[ShardRows]:
        for number in range(-(-self.count() // size)):
            if number not in skip:
                start, stop = number * size, min((number + 1) * size, self.count())
                yield self.shard_of(number, start, stop, tuple(self._pieces(start, stop)))
