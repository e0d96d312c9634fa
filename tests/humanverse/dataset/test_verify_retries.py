"""Each way to break what was tried again is found and named by its path, and nothing else is reported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset import verify
from humanverse.dataset.verify import NOTE, PROBLEM
from tests.datasets import make_dataset, make_retry
from tests.humanverse.dataset import damage
from tests.humanverse.dataset.findings import found, messages

FIRST, SECOND = "retries/000000.json", "retries/000001.json"
ROWS, OTHER_ROWS, ROWS_OF_SECOND = (f"retries/{number:06}.parquet" for number in (3, 4, 5))
LEDGER, IMAGES, LEDGER_OF_SECOND = "ledger/000003.parquet", "images/000003.parquet", "ledger/000005.parquet"
PRIMARY = "ledger/000000.parquet"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards of four source rows, of which each second timed out and each third was no image; tried again twice.

    Retry 0 tried 1, 2, 5 and 6 in shard 3, 9 and 10 in shard 4; retry 1 tried 2, 6 (from shard 3) and 10 (4) in shard 5.
    """
    path = tmp_path_factory.mktemp("sound") / "d"
    make_dataset(path, shards=3, per_shard=1)
    make_retry(path, ["timeout", "not_an_image"], kept=[1, 5, 9], reason="timeout")
    make_retry(path, ["timeout"], kept=[6])
    return path


@pytest.fixture
def broken(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "d"))


def shards(folder: Path, plan: str, index: int, **values: int) -> None:
    """Set entries of one planned shard."""
    entries = json.loads((folder / plan).read_text())["shards"]
    entries[index] |= values
    damage.card(folder / plan, shards=entries)


def try_a_kept_row_again(folder: Path) -> None:
    """Row 4 in place of row 5, everywhere."""
    damage.cell(folder / ROWS, 2, row=4)
    damage.cell(folder / LEDGER, 2, row=4)
    damage.cell(folder / IMAGES, 1, row=4)


BREAKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "plan: not JSON": (FIRST, lambda d: (d / FIRST).write_text("{")),
    "plan: not an object": (FIRST, lambda d: (d / FIRST).write_text("[]")),
    "plan: empty": (SECOND, lambda d: (d / SECOND).write_text("")),
    "plan: truncated": (SECOND, lambda d: damage.cut(d / SECOND, 10)),
    "plan: missing": (FIRST, lambda d: (d / FIRST).unlink()),
    "plan: no reasons": (FIRST, lambda d: damage.card(d / FIRST, reasons=None)),
    "plan: unknown reason": (SECOND, lambda d: damage.card(d / SECOND, reasons=["bad_luck"])),
    "plan: no such fetch setting": (SECOND, lambda d: damage.card(d / SECOND, fetch={"luck": 1})),
    "plan: shards out of order": (FIRST, lambda d: shards(d, FIRST, 1, number=7)),
    "plan: shards overlap": (FIRST, lambda d: shards(d, FIRST, 1, first=6)),
    "plan: fewer rows": (ROWS, lambda d: shards(d, FIRST, 0, rows=3)),
    "plan: another last row": (ROWS, lambda d: shards(d, FIRST, 0, last=7)),
    "rows: missing": (ROWS, lambda d: (d / ROWS).unlink()),
    "rows: flipped byte": (ROWS, lambda d: damage.flip(d / ROWS, 30)),
    "rows: truncated": (ROWS_OF_SECOND, lambda d: damage.cut(d / ROWS_OF_SECOND, 20)),
    "rows: a column is missing": (ROWS, lambda d: damage.table(d / ROWS, lambda t: t.drop_columns(["shard"]))),
    "rows: a strange column": (
        ROWS,
        lambda d: damage.table(d / ROWS, lambda t: t.append_column("x", pa.nulls(t.num_rows))),
    ),
    "rows: of a shard that does not have it": (ROWS, lambda d: damage.cell(d / ROWS, 1, shard=1)),
    "rows: of a shard of the same retry": (ROWS_OF_SECOND, lambda d: damage.cell(d / ROWS_OF_SECOND, 1, shard=5)),
    "rows: of an earlier shard that does not have it": (
        ROWS_OF_SECOND,
        lambda d: damage.cell(d / ROWS_OF_SECOND, 2, shard=3),
    ),
    "rows: superseded twice": (ROWS_OF_SECOND, lambda d: damage.cell(d / ROWS_OF_SECOND, 0, shard=0)),
    "rows: one that was kept": (ROWS, try_a_kept_row_again),
    "rows: one that ended otherwise": (ROWS, lambda d: damage.cell(d / PRIMARY, 1, reason="dns")),
    "ledger: a row is missing": (LEDGER_OF_SECOND, lambda d: damage.take(d / LEDGER_OF_SECOND, [0, 1])),
    "ledger: a row twice": (LEDGER_OF_SECOND, lambda d: damage.take(d / LEDGER_OF_SECOND, [0, 0, 1, 2])),
    "ledger: another row": (LEDGER_OF_SECOND, lambda d: damage.cell(d / LEDGER_OF_SECOND, 0, row=3)),
    "ledger: flipped byte": (LEDGER, lambda d: damage.flip(d / LEDGER, 60)),
}


def test_a_sound_dataset_gives_no_finding_and_counts_each_row_once(sound: Path) -> None:
    assert verify.verify(humanverse.open(str(sound))) == verify.Report(shards=6, rows=12, samples=7, findings=())


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_found_and_nothing_else(broken: Path, name: str) -> None:
    path, break_it = BREAKS[name]
    break_it(broken)
    assert {where for where in found(broken) if where[0] == PROBLEM} == {(PROBLEM, path)}


def test_swapped_rows_do_not_go_unseen(broken: Path) -> None:
    damage.take(broken / ROWS, [0, 2, 1, 3])
    assert set(found(broken)) == {(PROBLEM, ROWS), (PROBLEM, LEDGER)}


def test_another_row_than_was_tried_is_found_in_plan_and_ledger(broken: Path) -> None:
    damage.cell(broken / ROWS, 1, row=3)
    assert set(found(broken)) == {(PROBLEM, ROWS), (PROBLEM, LEDGER)}
    assert "tries row 3 of shard 0 again, which ended with too_few_people" in messages(broken)


def test_a_row_that_the_source_does_not_have(broken: Path) -> None:
    shards(broken, SECOND, 0, last=12)
    damage.cell(broken / ROWS_OF_SECOND, 2, row=12)
    assert set(found(broken)) == {(PROBLEM, ROWS_OF_SECOND), (PROBLEM, LEDGER_OF_SECOND)}
    assert "has rows that the source does not have" in messages(broken)


def test_a_kept_row_that_is_superseded_is_named(broken: Path) -> None:
    try_a_kept_row_again(broken)
    assert "tries row 4 of shard 1 again, which was kept" in messages(broken)


def test_a_ledger_whose_rows_were_tried_again_must_be_there(broken: Path) -> None:
    (broken / PRIMARY).unlink()
    problems = [where for where in found(broken) if where[0] == PROBLEM]
    assert problems == [(PROBLEM, PRIMARY)]
    assert "is missing, although retry 0 tries rows of it again" in messages(broken)


def test_plans_whose_numbers_do_not_follow(broken: Path) -> None:
    shards(broken, SECOND, 0, number=6)
    assert "its shards begin at 6, not at 5" in messages(broken)
    assert "the source has no such shard, and no retry or merge planned it" in messages(broken)


def test_plans_that_do_not_follow_the_source(broken: Path) -> None:
    damage.card(broken / "source.json", rows=16)
    assert (PROBLEM, FIRST) in found(broken)
    assert "its shards begin at 3, not at 4" in messages(broken)


def test_what_is_not_done_yet_is_a_note(broken: Path) -> None:
    for number in (4, 5):
        (broken / f"ledger/{number:06}.parquet").unlink()
    (broken / SECOND).unlink()
    report = verify.verify(humanverse.open(str(broken)))
    assert report.sound
    assert report.rows == 12
    notes = {finding.path: finding.message for finding in report.findings}
    assert notes[FIRST] == "1 of its 2 shards is not committed yet"
    assert notes[ROWS_OF_SECOND] == "is of a retry that was never begun"


@pytest.mark.parametrize("name", ["notes.txt", "3.parquet", "000003.tar", "0.json", "x/000000.json"])
def test_strays_are_notes(broken: Path, name: str) -> None:
    (broken / "retries" / name).parent.mkdir(exist_ok=True)
    (broken / "retries" / name).write_bytes(b"stray")
    assert found(broken) == [(NOTE, f"retries/{name}")]


def test_the_layers_of_a_supplementary_shard_are_checked_like_others(broken: Path) -> None:
    (broken / "layers/pose/test/000003.parquet").unlink()
    assert found(broken) == [(PROBLEM, "layers/pose/test/000003.parquet")]


def test_no_flipped_byte_makes_verify_raise(broken: Path) -> None:
    for path in (FIRST, ROWS):
        intact = (broken / path).read_bytes()
        for at in range(0, len(intact), max(1, len(intact) // 20)):
            damage.flip(broken / path, at)
            assert {where for level, where in found(broken) if level == PROBLEM} <= {path, LEDGER}
            (broken / path).write_bytes(intact)
