"""uids that are known, and the lowest row of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.dataset import known_uids
from humanverse.dataset.known_uids import UNKNOWN, KnownUids
from tests.merging import make, uids


def test_the_lowest_row_of_a_dataset_counts(tmp_path: Path) -> None:
    dataset = make(tmp_path / "d", [[1, 2], [2, 3]])
    known = KnownUids.of(dataset, dataset.shards())
    one, two, _, three = uids(tmp_path / "d")
    assert known.rows([three, "0" * 32, two, one]).tolist() == [6, UNKNOWN, 1, 0]


def test_no_shard_and_no_question(tmp_path: Path) -> None:
    dataset = make(tmp_path / "d", [[1]])
    assert KnownUids.of(dataset, []).rows(["0" * 32]).tolist() == [UNKNOWN]
    assert KnownUids.of(dataset, [0]).rows([]).tolist() == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_added_ones_are_known_at_once_and_after_sorting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(known_uids, "SORTED_AT", limit)
    dataset = make(tmp_path / "d", [[1]])
    known = KnownUids.of(dataset, [0])
    added = [f"{number:030x}00" for number in (7, 1, 300, 2)]
    for row, uid in enumerate(added, 100):
        known.add([uid], [row])
    assert known.rows([*reversed(added), *uids(tmp_path / "d")]).tolist() == [103, 102, 101, 100, 0]
