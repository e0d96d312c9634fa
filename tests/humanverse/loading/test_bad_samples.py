"""What cannot be had is skipped, counted, and replaced by others that follow from the order alone."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.dataset import layout
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError
from humanverse.loading.sample import Maker
from humanverse.loading.stream import Pace
from tests.datasets import make_dataset
from tests.humanverse.loading.opened import loader, people, same, taken, uids


def test_a_corrupt_sample_is_skipped_and_counted_and_moves_nothing(tmp_path: Path) -> None:
    url = people(tmp_path)
    before = taken(loader(url), 10)
    bad, gone = before[3]["uids"][0], before[6]["uids"][1]
    _spoil(url, bad, "jpg", layout.images_tar, layout.images_table)
    _spoil(
        url,
        gone,
        "map",
        lambda shard: layout.layer_tar("depth/test", shard, 0),
        lambda shard: layout.layer_table("depth/test", shard, 0),
    )
    own = loader(url)
    after = taken(own, 10)
    assert own.skipped == {"corrupt image": 1, "corrupt depth": 1}
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        if number not in (3, 6):
            assert same(one, other)
    assert after[3]["uids"] == [before[3]["uids"][1]] * 2 and after[3]["repeated"].tolist() == [True, False]
    assert after[6]["uids"] == [before[6]["uids"][0]] * 2 and after[6]["repeated"].tolist() == [False, True]
    assert torch.equal(after[3]["image"][0], after[3]["image"][1])


def test_why_a_sample_could_not_be_made_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(Maker, "fill", fails)
    with pytest.raises(DatasetError, match=r"can be had \(2 failed with KeyError: 'a fault of ours'\)"):
        taken(loader(people(tmp_path)), 1)


def _spoil(url: str, uid: str, what: str, tar: Any, table: Any) -> None:
    """Write zeros over the content of a member."""
    dataset = Dataset(url)
    for shard in dataset.shards():
        where = f"{url}/{tar(shard, 0) if tar is layout.images_tar else tar(shard)}"
        rows = dataset.layer("depth", shard).to_pylist() if what == "map" else dataset.images(shard).to_pylist()
        for row in rows:
            if row["uid"] == uid:
                with Path(where).open("r+b") as file:
                    file.seek(row[f"{what}_offset"])
                    file.write(b"\0" * row[f"{what}_size"])
                return
    raise AssertionError(f"{uid} is not in {table}")


def test_a_dataset_without_any_answer_is_one_line(tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 2, 4, unavailable={"depth": "no estimator"}).url
    line = r"no sample of batch 0 can be had \(2 no depth\), nor of 8 batches after it: run humanverse verify, or begin anew"
    with pytest.raises(DatasetError, match=line) as raised:
        taken(loader(url), 1)
    assert "\n" not in str(raised.value)


def test_a_batch_of_which_none_can_be_had_takes_the_samples_of_the_next_whoever_makes_it(tmp_path: Path) -> None:
    url = people(tmp_path)
    before = taken(loader(url), 10)
    for uid in chain(*uids(before[3:5]), before[5]["uids"][:1]):
        _spoil(url, uid, "jpg", layout.images_tar, layout.images_table)
    own = loader(url)
    after = taken(own, 10)
    assert own.skipped == {"corrupt image": 5}
    good = [before[5]["uids"][1]] * 2
    assert uids(after[3:6]) == [good] * 3
    assert [batch["repeated"].tolist() for batch in after[3:6]] == [[True, True], [True, True], [True, False]]
    assert all(same(one, other) for one, other in zip(before[:3] + before[6:], after[:3] + after[6:], strict=True))
    assert [batch["batch"] for batch in after] == list(range(10))
    parts = [taken(loader(url, rank=rank, world_size=2, pace=Pace(threads=1, ahead=1)), 5) for rank in (0, 1)]
    assert all(same(one, parts[number % 2][number // 2]) for number, one in enumerate(after))
    late = loader(url)
    late.load_state_dict({**own.state_dict(), "batch": 4})
    assert all(same(one, other) for one, other in zip(after[4:], taken(late, 6), strict=True))


@pytest.mark.slow
def test_what_is_wrong_in_a_further_process_is_the_same_line(tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 2, 4, unavailable={"depth": "no estimator"}).url
    with pytest.raises(DatasetError, match=r"no sample of batch 0 can be had \(2 no depth\)") as raised:
        taken(loader(url, pace=Pace(threads=1, processes=1)), 1)
    assert "\n" not in str(raised.value)
