"""A merge that was killed goes on, and ends as if it had not been."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset import layout, merges
from humanverse.dataset.status import status
from humanverse.storage import Store
from pipelines.merge import merge
from tests.merging import files, make, problems, retried


class Killed(BaseException):
    """The process died."""


def killed_at(ours: Path, theirs: Path, writes: int, monkeypatch: pytest.MonkeyPatch, threads: int = 1) -> bool:
    """Merge, and die at a write; whether it came to that."""
    left = [writes]
    original = Store._publish

    def publish(self: Store, scratch: Path, path: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed(path)
        original(self, scratch, path)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_publish", publish)
        patch.setattr("humanverse.dataset.status.THREADS", threads)
        try:
            merge(str(ours), [str(theirs)])
        except Killed:
            return True
    return False


def merged_files(folder: Path) -> dict[str, object]:
    """All files; of plans all but the time."""
    found: dict[str, object] = dict(files(folder))
    for path in (path for path in found if path.startswith(layout.MERGES)):
        found[path] = {**json.loads((folder / path).read_text()), "time": ""}
    return found


def test_killed_at_any_moment_and_run_again_it_ends_the_same(
    ours: Path, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(shutil.copytree(ours, tmp_path / "whole"))
    merge(str(whole), [str(theirs)])
    expected = merged_files(whole)
    writes = 0
    while True:
        copy = Path(shutil.copytree(ours, tmp_path / f"killed{writes}"))
        if not killed_at(copy, theirs, writes, monkeypatch):
            break
        assert {path for path, _ in Store(copy).walk()} <= expected.keys()
        merge(str(copy), [str(theirs)])
        assert merged_files(copy) == expected
        writes += 1
    assert writes == 1 + 2 * (5 + 3)


@pytest.mark.parametrize("writes", range(2, 26, 4))
def test_shards_may_be_committed_in_any_order(
    ours: Path, tmp_path: Path, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "many"
    make(theirs, [[seed, seed + 2, 5] for seed in range(4, 10)], layers=["person/test"])
    whole = Path(shutil.copytree(ours, tmp_path / "whole"))
    merge(str(whole), [str(theirs)])
    assert killed_at(ours, theirs, writes, monkeypatch, threads=4)
    merge(str(ours), [str(theirs)])
    assert merged_files(ours) == merged_files(whole)
    assert problems(ours) == []


def test_the_plan_holds_although_the_other_has_grown_meanwhile(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed_at(ours, theirs, 10, monkeypatch)
    retried(theirs, [9])
    part = merge(str(ours), [str(theirs)]).others[0]
    assert part.continued
    assert [(one.seen, one.rows) for one in merges.read_merges(Store(ours))] == [(2, 12), (3, 2)]
    assert problems(ours) == []


def test_an_unfinished_merge_is_told_and_is_no_problem(
    ours: Path, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert killed_at(ours, theirs, 10, monkeypatch)
    assert problems(ours) == []
    assert not status(humanverse.open(str(ours))).complete
    make(tmp_path / "third", [[8]], name="third")
    merge(str(ours), [str(tmp_path / "third")])
    assert f"that of {theirs} is not finished" in capsys.readouterr().err
    assert problems(ours) == []
    merge(str(ours), [str(theirs)])
    assert problems(ours) == []
    assert status(humanverse.open(str(ours))).complete
