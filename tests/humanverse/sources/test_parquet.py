from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from random import Random

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources.parquet import ParquetSource
from humanverse.sources.storage import SourceFile, find


def _write(path: Path, first: int, count: int, group: int, **more: pa.Array) -> Path:
    numbers = range(first, first + count)
    table = {"URL": [f"http://h/{n}.jpg" for n in numbers], "TEXT": [f"caption {n}" for n in numbers], **more}
    pq.write_table(pa.table(table), path, row_group_size=group)
    return path


def _files(*specs: Path) -> list[SourceFile]:
    return [place.file for place in find([str(spec) for spec in specs]) if place.file]


def _urls(source: ParquetSource, size: int) -> list[str]:
    return [url for shard in source.shards(size) for url in shard.load()["url"].to_pylist()]


@pytest.mark.parametrize("size", [1, 7, 10, 25, 1_000])
def test_shards_span_row_groups_and_files(tmp_path: Path, size: int) -> None:
    parts = [(0, 13, 5), (13, 0, 5), (13, 30, 8), (43, 1, 1)]
    files = _files(*(_write(tmp_path / f"{i}.parquet", *part) for i, part in enumerate(parts)))
    source = ParquetSource(files, {})
    shards = list(source.shards(size))
    assert source.count() == 44
    assert _urls(source, size) == [f"http://h/{n}.jpg" for n in range(44)]
    assert [row for shard in shards for row in shard.load()["row"].to_pylist()] == list(range(44))
    assert [(s.number, s.start, s.stop) for s in shards] == [
        (n, n * size, min(44, (n + 1) * size)) for n in range(-(-44 // size))
    ]


def test_skipped_shards_are_left_out_and_the_others_unchanged(tmp_path: Path) -> None:
    source = ParquetSource(_files(_write(tmp_path / "a.parquet", 0, 50, 20)), {})
    kept = list(source.shards(10, skip={0, 3}))
    assert [shard.number for shard in kept] == [1, 2, 4]
    assert kept[1].load()["caption"][0].as_py() == "caption 20"


def test_a_shard_is_a_small_locator_that_loads_after_a_journey(tmp_path: Path) -> None:
    source = ParquetSource(_files(_write(tmp_path / "a.parquet", 0, 20_000, 5_000)), {})
    (first, second) = source.shards(10_000)
    travelled = pickle.dumps(second)
    assert len(travelled) < 5_000
    assert pickle.loads(travelled).load().equals(second.load())
    assert second.load()["row"][0].as_py() == first.stop


def test_every_shard_has_the_sources_schema_whatever_the_files_types(tmp_path: Path) -> None:
    one = _write(tmp_path / "1.parquet", 0, 2, 2, score=pa.array([1, 2], pa.int32()), note=pa.nulls(2))
    two = _write(tmp_path / "2.parquet", 2, 2, 2, score=pa.array([0.5, None]), note=pa.array(["x", "y"]))
    source = ParquetSource(_files(one, two), {})
    tables = [shard.load() for shard in source.shards(2)]
    assert tables[0].schema == tables[1].schema
    assert tables[0].schema.names == ["row", "url", "caption", "score", "note"]
    assert list(tables[0].schema)[3:] == source.extra_fields
    assert [t["score"].to_pylist() for t in tables] == [[1.0, 2.0], [0.5, None]]
    assert [t["note"].to_pylist() for t in tables] == [[None, None], ["x", "y"]]


def test_cells_that_are_no_text_are_rows_all_the_same(tmp_path: Path) -> None:
    table = pa.table(
        {
            "url": pa.array([b"http://a/1.jpg", b"http://a/\xff.jpg", None, b""]),
            "caption": pa.array([["one", "two"], [], None, ["x" * 1_000_000]]),
        }
    )
    pq.write_table(table, tmp_path / "odd.parquet")
    rows = next(iter(ParquetSource(_files(tmp_path / "odd.parquet"), {}).shards(10))).load()
    assert rows["url"].to_pylist() == ["http://a/1.jpg", None, None, None]
    assert rows["caption"].to_pylist() == ["one", None, None, "x" * 10_000]


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    pictures = pa.array([bytes(100)] * 3)
    path = _write(tmp_path / "a.parquet", 0, 3, 3, jpg=pictures)
    source = ParquetSource(_files(path), {})
    assert next(iter(source.shards(3))).load().schema.names == ["row", "url", "caption"]


def test_identity_names_files_and_sizes_but_not_where_they_lie(tmp_path: Path) -> None:
    identities = []
    for place in ("here", "there"):
        (tmp_path / place / "sub").mkdir(parents=True)
        one = _write(tmp_path / place / "1.parquet", 0, 3, 3)
        two = _write(tmp_path / place / "sub" / "2.parquet", 3, 4, 3)
        identities.append(ParquetSource(_files(one, two), {}).identity())
    assert identities[0] == identities[1]
    assert identities[0]["rows"] == 7
    assert [name for name, _ in identities[0]["files"]] == ["1.parquet", "sub/2.parquet"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is not Parquet")
    with pytest.raises(UserError, match=r"bad\.parquet: not a readable Parquet file"):
        ParquetSource(_files(tmp_path / "bad.parquet"), {})


def test_damage_inside_a_file_shows_on_load_and_names_it(tmp_path: Path) -> None:
    path = _write(tmp_path / "holed.parquet", 0, 5_000, 5_000)
    shard = next(iter(ParquetSource(_files(path), {}).shards(5_000)))
    data = bytearray(path.read_bytes())
    data[4:4_000] = b"\xff" * 3_996
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"holed\.parquet: not a readable Parquet file"):
        shard.load()


def test_memory_filesystem(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.parquet", 0, 30, 10).read_bytes()
    fsspec.filesystem("memory").pipe_file("/bucket/a.parquet", data)
    files = [place.file for place in find(["memory://bucket/*.parquet"]) if place.file]
    assert _urls(ParquetSource(files, {}), 8) == [f"http://h/{n}.jpg" for n in range(30)]


def test_damage_anywhere_is_the_users_error_or_harmless(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", 0, 300, 100, tags=pa.array([[f"t{n}"] for n in range(300)]))
    whole, random = path.read_bytes(), Random(2)
    errors = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.choice([1, 2, 5])):
            data[random.randrange(4, len(data) - 8)] = random.randrange(256)
        path.write_bytes(data)
        try:
            for shard in ParquetSource(_files(path), {}).shards(70):
                shard.load().validate(full=True)
        except UserError:
            errors += 1
    assert 0 < errors < 300


_ITERATE = """
import sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from humanverse.sources import open_source
from schemas.recipe import SourceSettings

pa.set_memory_pool(pa.system_memory_pool())
source = open_source(sys.argv[1], SourceSettings())
shards = iter(source.shards(10_000))
next(shards).load()
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
rows = 10_000
every = int(sys.argv[2])
for number, shard in enumerate(shards, 1):
    rows += len(shard.load()) if number % every == 0 else len(shard)
print(rows, (peak() - before) / 1024)
"""


def peak_growth_mb(path: Path, every: int) -> tuple[int, float]:
    """Rows of a source, and by how many MB the peak memory of a process that goes through it grows after its first
    shard; of the shards, one in ``every`` is loaded."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from /proc")
    repository = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", _ITERATE, str(path), str(every)],
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    rows, growth = run.stdout.split()
    return int(rows), float(growth)


def test_a_million_rows_in_one_row_group_pass_in_bounded_memory(tmp_path: Path) -> None:
    numbers = pa.array(range(1_000_000)).cast(pa.string())
    url = pc.binary_join_element_wise("http://host.example/a/longer/path", numbers, "picture.jpg", "/")
    text = pc.binary_join_element_wise("a caption of some length, number", numbers, " ")
    pq.write_table(pa.table({"url": url, "text": text}), tmp_path / "m.parquet", row_group_size=1_000_000)
    rows, growth = peak_growth_mb(tmp_path / "m.parquet", every=9)
    assert rows == 1_000_000
    assert growth < 100
