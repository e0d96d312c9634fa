"""What other datasets have is added: new samples with their bytes and layers, every row once, and nothing is changed."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset import layout, merges
from humanverse.dataset.commit import commit
from humanverse.dataset.plan_retry import not_of_the_source, plan
from humanverse.dataset.sample import Sample
from humanverse.dataset.status import status
from humanverse.errors import DatasetError, UserError
from humanverse.storage import Store
from pipelines.merge import merge
from schemas import recipe
from tests import datasets
from tests.merging import add, all_rows, files, make, problems, retried, rows_said, uids


def test_what_is_new_is_added_and_no_file_changes(ours: Path, theirs: Path) -> None:
    before, of_theirs = files(ours), files(theirs)
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.shards, part.rows, part.kept, part.duplicates, part.forgotten) == (2, 12, 3, 3, 0)
    after = files(ours)
    assert {path: after[path] for path in before} == before
    assert files(theirs) == of_theirs
    assert problems(ours) == []
    assert all_rows(ours) == Counter(range(22))
    assert len(set(uids(ours))) == len(uids(ours)) == 7


def test_bytes_layers_and_maps_are_the_others(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    layers = [layer for layer in datasets.LAYERS if layer != "depth/test"]
    found = {sample.uid: sample for sample in humanverse.open(str(ours)).samples(layers) if sample.shard >= 2}
    expected: dict[str, Sample] = {}
    for sample in humanverse.open(str(theirs)).samples(layers):
        expected.setdefault(sample.uid, sample)
    assert len(found) == 3
    for uid, sample in found.items():
        assert sample.jpeg == expected[uid].jpeg
        assert sample.layers == expected[uid].layers
        assert sample.columns["caption"] == expected[uid].columns["caption"]
    dataset, other = humanverse.open(str(ours)), humanverse.open(str(theirs))
    row, old = dataset.layer("depth", 3).to_pylist()[0], other.layer("depth", 1).to_pylist()[1]
    assert row["uid"] == old["uid"]
    assert dataset.map_png("depth", 3, row) == other.map_png("depth", 1, old)


def test_rows_say_what_became_of_them(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    assert rows_said(ours, [2, 3]) == [
        (10, "rejected", "duplicate", "same bytes as row 5"),
        (11, "kept", None, None),
        (12, "kept", None, None),
        (13, "failed", "timeout", "5.0 s"),
        (14, "failed", "not_an_image", "text/html"),
        (15, "rejected", "too_few_people", "0 < 1"),
        (16, "rejected", "duplicate", "same bytes as row 12"),
        (17, "kept", None, None),
        (18, "rejected", "duplicate", "same bytes as row 0"),
        (19, "failed", "timeout", "5.0 s"),
        (20, "failed", "not_an_image", "text/html"),
        (21, "rejected", "too_few_people", "0 < 1"),
    ]


def test_the_plan_says_where_it_came_from(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    (made,) = merges.read_merges(Store(ours))
    assert (made.url, made.seen, made.first_row, made.rows) == (str(theirs), 2, 10, 12)
    assert made.source["files"] == [["theirs", 1]]
    assert [(shard.number, shard.of, shard.first) for shard in made.shards] == [(2, 0, 10), (3, 1, 16)]
    found = status(humanverse.open(str(ours)))
    assert (found.shards, found.merged_shards, found.planned_merged_shards) == (2, 2, 2)
    assert (found.rows, found.planned_rows, found.kept, found.complete) == (22, 22, 7, True)


def test_a_dry_run_says_the_same_and_writes_nothing(ours: Path, theirs: Path) -> None:
    before = files(ours)
    planned = merge(str(ours), [str(theirs)], dry_run=True)
    assert files(ours) == before
    done = merge(str(ours), [str(theirs)])
    assert [vars(part) for part in planned.others] == [vars(part) for part in done.others]


def test_twice_the_same_is_refused_wherever_it_lies(ours: Path, theirs: Path, tmp_path: Path) -> None:
    merge(str(ours), [str(theirs)])
    before = files(ours)
    moved = tmp_path / "moved"
    theirs.rename(moved)
    with pytest.raises(UserError, match=f"has everything already: {moved} was merged 20"):
        merge(str(ours), [str(moved)])
    assert files(ours) == before


def test_a_dataset_of_the_same_source_is_another_one(ours: Path, tmp_path: Path) -> None:
    make(tmp_path / "again", [[1, 2], [8, 4]], name="ours")
    assert merge(str(ours), [str(tmp_path / "again")]).others[0].kept == 1


def test_what_the_other_has_tried_again_since_comes_as_a_further_merge(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    retried(theirs, [3])
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.shards, part.rows, part.kept) == (1, 2, 0)
    assert [one.seen for one in merges.read_merges(Store(ours))] == [2, 3]
    assert rows_said(ours, [4]) == [
        (22, "rejected", "duplicate", "same bytes as row 5"),
        (23, "failed", "timeout", "again"),
    ]
    assert problems(ours) == []


def test_only_final_rows_of_a_retried_dataset_come(ours: Path, theirs: Path) -> None:
    retried(theirs, [9])
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.shards, part.rows, part.kept) == (3, 12, 4)
    assert [shard.rows for shard in merges.read_merge(Store(ours), 0).shards] == [5, 5, 2]
    assert all_rows(ours) == Counter(range(22))
    assert problems(ours) == []


def test_retries_and_merges_number_their_shards_together(ours: Path, theirs: Path) -> None:
    retried(ours, [])
    merge(str(ours), [str(theirs)])
    retried(ours, [2])
    retried(theirs, [9])
    merge(str(ours), [str(theirs)])
    dataset = humanverse.open(str(ours))
    assert [list(one.numbers) for one in dataset.passes()] == [[2], [5]]
    assert [list(one.numbers) for one in merges.read_merges(dataset.store)] == [[3, 4], [6]]
    assert problems(ours) == []
    assert all_rows(ours) == Counter(range(24))
    assert dataset.ledger(5, ["row"]).column("row").to_pylist() == [2, 7]


def test_three_ways_and_on(ours: Path, theirs: Path, tmp_path: Path) -> None:
    make(tmp_path / "third", [[7, 8], [1, 9]], name="third")
    result = merge(str(ours), [str(theirs), str(tmp_path / "third")])
    assert [part.kept for part in result.others] == [3, 2]
    assert problems(ours) == []
    assert len(set(uids(ours))) == len(uids(ours)) == 9
    assert merge(str(tmp_path / "third"), [str(ours)]).others[0].kept == 5
    assert sorted(uids(tmp_path / "third")) == sorted(uids(ours))
    assert problems(tmp_path / "third") == []


def test_one_that_is_merged_already_is_passed_over_beside_a_new_one(ours: Path, theirs: Path, tmp_path: Path) -> None:
    merge(str(ours), [str(theirs)])
    make(tmp_path / "third", [[8]], name="third")
    again, new = merge(str(ours), [str(theirs), str(tmp_path / "third")]).others
    assert again.shards == 0
    assert again.merged_before.startswith("20")
    assert new.kept == 1


def test_an_unfinished_dataset_is_built_on(tmp_path: Path, theirs: Path) -> None:
    ours = tmp_path / "ours"
    make(ours, [[1, 2]], planned_shards=3)
    merge(str(ours), [str(theirs)])
    assert humanverse.open(str(ours)).shards() == [0, 3, 4]
    assert problems(ours) == []
    add(humanverse.open(str(ours)), [[3, 4], [5, 8]], first=1)
    assert problems(ours) == []
    assert all_rows(ours) == Counter(range(15 + 12))
    found = status(humanverse.open(str(ours)))
    assert (found.shards, found.merged_shards, found.complete) == (3, 2, True)


def test_an_unfinished_other_is_refused(ours: Path, tmp_path: Path) -> None:
    make(tmp_path / "half", [[8]], planned_shards=2)
    with pytest.raises(UserError, match="half is not complete: 1 of 2 shards is committed; finish it first"):
        merge(str(ours), [str(tmp_path / "half")])
    assert not (ours / layout.MERGES).exists()


def test_what_cannot_be_merged_is_one_line(ours: Path, theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be merged into itself"):
        merge(str(ours), [f"{ours}/../ours"])
    shutil.copytree(ours, tmp_path / "copy")
    with pytest.raises(UserError, match=f"copy is a copy of {ours} "):
        merge(str(ours), [str(tmp_path / "copy")])
    with pytest.raises(UserError, match="is named twice"):
        merge(str(ours), [str(theirs), str(theirs)])
    with pytest.raises(DatasetError, match="is not a dataset"):
        merge(str(ours), [str(tmp_path)])
    (theirs / "humanverse.json").write_text('{"format": 2}')
    with pytest.raises(DatasetError, match="has format 2"):
        merge(str(ours), [str(theirs)])


def test_a_damaged_shard_costs_one_shard_until_it_is_mended(ours: Path, theirs: Path) -> None:
    path = theirs / "images" / "000000.tar"
    good = path.read_bytes()
    row = humanverse.open(str(theirs)).images(0).to_pylist()[1]
    at = row["jpg_offset"] + 30
    path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    result = merge(str(ours), [str(theirs)])
    assert list(result.others[0].lost) == [2]
    assert "has other bytes than were written" in result.others[0].lost[2]
    assert problems(ours) == []
    path.write_bytes(good)
    merge(str(ours), [str(theirs)])
    assert problems(ours) == []
    assert all_rows(ours) == Counter(range(22))


def test_random_datasets(tmp_path: Path) -> None:
    choose = random.Random(5)
    for case in range(6):
        folder = tmp_path / str(case)
        made = {
            name: [[choose.randrange(9) for _ in range(choose.randrange(4))] for _ in range(choose.randrange(1, 4))]
            for name in "abc"
        }
        for name, seeds in made.items():
            make(folder / name, seeds, name=name, layers=["person/test"])
            if choose.random() < 0.5:
                lost = datasets.make_retry(folder / name, ["timeout"], commits=0)
                add_retry(folder / name, list(lost.numbers), choose)
        everything = {uid for name in "abc" for uid in uids(folder / name)}
        before = len(uids(folder / "a")) - len(set(uids(folder / "a")))
        merge(str(folder / "a"), [str(folder / "b")])
        merge(str(folder / "a"), [str(folder / "c")])
        found = uids(folder / "a")
        assert set(found) == everything
        assert len(found) - len(everything) == before
        rows = all_rows(folder / "a")
        assert rows == Counter(range(len(rows)))
        assert all("same bytes" not in problem for problem in problems(folder / "a"))


def add_retry(path: Path, numbers: list[int], choose: random.Random) -> None:
    """Commit planned shards of a retry, some rows of which become pictures."""
    dataset = humanverse.open(str(path))
    for number in numbers:
        rows = dataset.retry_rows(number).column("row").to_pylist()
        kept = {row: choose.randrange(12) for row in rows if choose.random() < 0.5}
        lost = {row: datasets.LOST[0] for row in rows if row not in kept}
        shard = datasets.shard_of(number, kept, lost, {}, {})
        shard.layers = {"person/test": shard.layers["person/test"]}
        commit(dataset.store, shard)


def test_a_retry_leaves_merged_rows_alone(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    dataset = humanverse.open(str(ours))
    assert not_of_the_source(dataset, ["timeout"]) == 2
    made = plan(dataset, ["timeout"], recipe.FetchSettings())
    assert made is not None
    assert (list(made.numbers), made.rows) == ([4], 2)
