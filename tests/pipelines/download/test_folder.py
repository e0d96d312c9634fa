from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from humanverse.errors import UserError
from pipelines.download.folder import Downloads, Run


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    made = Downloads(tmp_path / "home")
    made.open()
    return made


def write(run: Run, place: int, *suffixes: str) -> None:
    for suffix in suffixes:
        (run.images / f"{place:05d}{suffix}").write_text(f"{place}{suffix}")


def lists(run: Run, *numbers: int) -> None:
    for number in numbers:
        run.add(number, pa.table({"url": ["http://a.example/"]}))


def test_only_what_is_finished_is_taken_under_its_own_number(downloads: Downloads) -> None:
    run = downloads.new_run()
    lists(run, 7, 3, 11)
    write(run, 0, ".tar", ".parquet", "_stats.json")
    write(run, 1, ".tar", ".parquet")
    write(run, 2, ".tar", ".parquet", "_stats.json")
    downloads.collect()
    assert sorted(path.name for path in (downloads.folder / "done").iterdir()) == [
        f"{name}{suffix}" for name in ("000003", "000011") for suffix in (".parquet", ".tar", "_stats.json")
    ]
    assert downloads.table(11).read_text() == "2.parquet"
    assert not list(downloads.folder.glob("run-*"))


def test_a_later_run_replaces_what_an_earlier_one_has(downloads: Downloads) -> None:
    for _ in range(2):
        run = downloads.new_run()
        lists(run, 5)
        write(run, 0, ".tar", ".parquet", "_stats.json")
        downloads.collect()
    assert downloads.table(5).exists()


def test_what_writes_into_an_earlier_run_cannot_touch_what_was_taken(downloads: Downloads) -> None:
    run = downloads.new_run()
    lists(run, 5)
    with (run.images / "00000.tar").open("w") as late:
        downloads.collect()
        late.write("half")
    assert not downloads.table(5).exists()
    with pytest.raises(FileNotFoundError):
        write(run, 0, ".parquet")


def test_rows_and_forgetting(downloads: Downloads) -> None:
    table = pa.table({"row": [1], "names": pa.array([["a"]], pa.list_(pa.string()))})
    downloads.save_rows(2, table)
    assert feather.read_table(str(downloads.rows(2))).equals(table)
    run = downloads.new_run()
    lists(run, 2)
    write(run, 0, ".tar", ".parquet", "_stats.json")
    assert downloads.size() == sum(path.stat().st_size for path in run.images.iterdir())
    downloads.collect()
    downloads.forget([2, 3])
    assert [path.name for path in downloads.folder.rglob("*") if path.is_file()] == ["lock"]


def test_two_builds_do_not_share_a_folder(downloads: Downloads) -> None:
    second = "import sys; from pathlib import Path; from pipelines.download.folder import Downloads\n"
    second += "Downloads(Path(sys.argv[1])).open()"
    done = subprocess.run([sys.executable, "-c", second, str(downloads.folder)], capture_output=True, text=True)
    assert "UserError: another build is downloading into" in done.stderr


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be made: .*Not a directory"):
        Downloads(tmp_path / "file" / "x").open()


def test_lists_are_parquet(downloads: Downloads) -> None:
    run = downloads.new_run()
    lists(run, 4)
    assert pq.read_table(run.lists / "000004.parquet").column_names == ["url"]
