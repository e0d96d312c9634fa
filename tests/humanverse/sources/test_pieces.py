from __future__ import annotations

import pickle
from collections.abc import Sequence

import fsspec
import pyarrow as pa
import pytest

from humanverse.sources.base import ShardRows
from humanverse.sources.pieces import CountedSource, Piece, listed_files
from humanverse.sources.storage import SourceFile

MEMORY = fsspec.filesystem("memory")
LOCAL = fsspec.filesystem("file")


class _Located(ShardRows):
    pieces: tuple[Piece, ...]

    def load(self) -> pa.Table:
        raise NotImplementedError


class _Counted(CountedSource):
    kind = "table"
    remote = True

    def __init__(self, counts: Sequence[int]) -> None:
        super().__init__([SourceFile(MEMORY, f"/x/{n}", n) for n in range(len(counts))])
        self.counts = list(counts)
        self.times_counted = 0

    def count_rows(self) -> list[int]:
        self.times_counted += 1
        return self.counts

    def shard_of(self, number: int, start: int, stop: int, pieces: tuple[Piece, ...]) -> ShardRows:
        shard = _Located(number, start, stop)
        object.__setattr__(shard, "pieces", pieces)
        return shard


@pytest.mark.parametrize("counts", [[5], [0, 5, 0, 0, 1, 9, 0], [1] * 20, [0], [3, 3, 3]])
@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_pieces_cover_every_row_once_and_in_order(counts: list[int], size: int) -> None:
    source = _Counted(counts)
    rows = [
        (piece.file.size, row)
        for shard in source.shards(size)
        for piece in shard.pieces  # type: ignore[attr-defined]
        for row in range(piece.first, piece.first + piece.count)
    ]
    assert rows == [(file, row) for file, count in enumerate(counts) for row in range(count)]


def test_files_are_counted_once() -> None:
    source = _Counted([4, 4])
    assert (source.count(), source.identity()["rows"], len(list(source.shards(3)))) == (8, 8, 3)
    assert source.times_counted == 1


def test_a_billion_rows_are_cut_without_reading_any() -> None:
    source = _Counted([10**9] * 3)
    shards = source.shards(10_000, skip=range(299_999))
    last = next(shards)
    assert (last.number, last.start, last.stop) == (299_999, 3 * 10**9 - 10_000, 3 * 10**9)
    assert len(pickle.dumps(last)) < 2_000


def test_names_in_an_identity_begin_below_the_common_folder() -> None:
    one, two = SourceFile(LOCAL, "/a/b/1.csv", 1), SourceFile(LOCAL, "/a/c/2.csv", 2)
    assert listed_files([one]) == [["1.csv", 1]]
    assert listed_files([one, two]) == [["b/1.csv", 1], ["c/2.csv", 2]]
    assert listed_files([one, SourceFile(MEMORY, "bucket/3.csv", 3)]) == [["a/b/1.csv", 1], ["bucket/3.csv", 3]]
