"""Rows of several shards under one number, from sources of every kind."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources import ShardRows, Source, open_source
from humanverse.sources.base import SomeRows
from humanverse.sources.gathered import GatheredRows, gather
from schemas.recipe import SourceSettings
from tests.humanverse.sources.test_tars import write_tar

COUNT = 23
SIZE = 4
WANTED = [(6, [0, 3, 9]), (7, [10, 11, 12, 22])]


def _parquet(folder: Path) -> None:
    urls = [f"http://h/{number}.jpg" for number in range(COUNT)]
    pq.write_table(pa.table({"url": urls[:9], "similarity": [0.5] * 9}), folder / "a.parquet", row_group_size=4)
    pq.write_table(pa.table({"url": urls[9:], "similarity": [0.6] * 14}), folder / "b.parquet", row_group_size=5)


def _lines(folder: Path) -> None:
    (folder / "urls.txt").write_text("".join(f"http://h/{number}.jpg\n" for number in range(COUNT)))


def _csv(folder: Path) -> None:
    rows = "".join(f"http://h/{number}.jpg,caption {number}\n" for number in range(COUNT))
    (folder / "urls.csv").write_text("url,caption\n" + rows)


def _pictures(folder: Path) -> None:
    for number in range(COUNT):
        (folder / f"{number:02}.jpg").write_bytes(b"picture %d" % number)
    (folder / "09.txt").write_text("the ninth")


def _tars(folder: Path) -> None:
    members = {f"{number:02}.jpg": b"picture %d" % number for number in range(COUNT)}
    write_tar(folder / "0.tar", dict(list(members.items())[:10]))
    write_tar(folder / "1.tar", dict(list(members.items())[10:]))


def _img2dataset(folder: Path) -> None:
    said = [
        {"url": f"http://h/{number}", "key": f"{number:02}", "status": "success", "error_message": None}
        for number in range(COUNT)
    ]
    table = pa.Table.from_pylist(said)
    pictures = pa.array([b"picture %d" % number for number in range(COUNT)], pa.binary())
    pq.write_table(table.append_column("jpg", pictures), folder / "00000.parquet")


WRITERS: dict[str, Callable[[Path], None]] = {
    "parquet": _parquet,
    "txt": _lines,
    "csv": _csv,
    "folder": _pictures,
    "webdataset": _tars,
    "img2dataset": _img2dataset,
}


@pytest.fixture(params=WRITERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    WRITERS[request.param](tmp_path)
    return open_source(str(tmp_path), SourceSettings())


def gathered(source: Source) -> list[GatheredRows]:
    return [pickle.loads(pickle.dumps(shard)) for shard in gather(source, SIZE, lambda: WANTED)]


def test_they_are_the_rows_that_the_source_has_there(source: Source) -> None:
    whole = pa.concat_tables([shard.load() for shard in source.shards(SIZE)])
    for shard, (number, rows) in zip(gathered(source), WANTED, strict=True):
        assert (shard.number, shard.start, shard.stop) == (number, rows[0], rows[-1] + 1)
        assert shard.load().equals(whole.take(rows))


def test_payloads_are_those_of_the_rows_asked_for(source: Source) -> None:
    for shard, (_, rows) in zip(gathered(source), WANTED, strict=True):
        table = shard.load().slice(1)
        if source.remote:
            with pytest.raises(TypeError):
                list(shard.payloads(table))
            continue
        expected = [(row, b"picture %d" % row) for row in rows[1:]]
        assert [(payload.row, payload.data) for payload in shard.payloads(table)] == expected


def test_shards_without_such_rows_are_not_asked_for(tmp_path: Path) -> None:
    asked: list[int] = []

    class Noting:
        """A source that notes which shards it hands out."""

        def shards(self, size: int, skip: object) -> Iterator[ShardRows]:
            for shard in whole.shards(size, skip):  # type: ignore[arg-type]
                asked.append(shard.number)
                yield shard

    _parquet(tmp_path)
    whole = open_source(str(tmp_path), SourceSettings())
    made = list(gather(Noting(), SIZE, lambda: WANTED))  # type: ignore[arg-type]
    assert asked == [0, 2, 3, 5]
    assert [[part.number for part in shard.parts] for shard in made] == [[0, 2], [2, 3, 5]]


def test_what_carries_its_rows_carries_only_those_that_are_wanted(tmp_path: Path) -> None:
    text = [json.dumps({"url": f"http://h/{number}.jpg", "text": "x" * 1000}) for number in range(400)]
    (tmp_path / "urls.jsonl").write_text("\n".join(text))
    source = open_source(str(tmp_path), SourceSettings())
    (shard,) = gather(source, 400, lambda: [(1, [7, 300])])
    assert len(pickle.dumps(shard)) < 6_000


def test_what_a_shard_remembers_of_its_files_is_not_kept(tmp_path: Path) -> None:
    _tars(tmp_path)
    (shard,) = gather(open_source(str(tmp_path), SourceSettings()), 100, lambda: [(1, [3, 12])])
    assert list(shard.payloads(shard.load()))[1].data == b"picture 12"
    (part,) = shard.parts
    assert isinstance(part, SomeRows)
    assert "_samples" not in vars(part.whole)


def test_rows_far_apart_in_a_table_of_pictures_are_read_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from humanverse.sources import img2dataset

    _img2dataset(tmp_path)
    read: list[int] = []
    plain = img2dataset.read_piece

    def noting(piece: img2dataset.Piece, columns: list[str]) -> pa.Table:
        if columns == ["jpg"]:
            read.append(piece.count)
        return plain(piece, columns)

    monkeypatch.setattr(img2dataset, "read_piece", noting)
    monkeypatch.setattr(img2dataset, "_ROWS_AT_ONCE", 5)
    (shard,) = gather(open_source(str(tmp_path), SourceSettings()), 100, lambda: [(1, [0, 1, 4, 21])])
    assert [payload.row for payload in shard.payloads(shard.load())] == [0, 1, 4, 21]
    assert read == [5, 1]


def test_a_source_that_has_shrunk_is_an_error_of_one_line(tmp_path: Path) -> None:
    _lines(tmp_path)
    source = open_source(str(tmp_path), SourceSettings())
    with pytest.raises(UserError, match="the source has no shard 25 any more: it changed since the dataset was built"):
        list(gather(source, SIZE, lambda: [(6, [1, 100])]))
