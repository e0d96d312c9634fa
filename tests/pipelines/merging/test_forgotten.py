"""Tombstones of either side hold for what is merged, and compacted datasets are merged like others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import humanverse
from humanverse.blocklists.keys import of_source
from humanverse.dataset import compact, tombstones
from humanverse.dataset.merge_shard import Copier, Decided
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.errors import UserError
from humanverse.storage import Store
from pipelines.compact import compact as compact_all
from pipelines.forget import Request, forget
from pipelines.merge import merge
from tests.merging import all_rows, make, problems, retried, rows_said, uids


def test_what_was_compacted_comes_without_the_forgotten(ours: Path, theirs: Path) -> None:
    other = humanverse.open(str(theirs))
    gone = uids(theirs)[1]
    dead = Tombstones(frozenset([gone]))
    tombstones.write(other.store, dead, "asked to")
    compact.rewrite(humanverse.open(str(theirs)), 0, dead)
    assert humanverse.open(str(theirs)).shards() == [0, 1]
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.kept, part.tombstones) == (2, 1)
    assert rows_said(ours, [2])[1] == (11, "rejected", "forgotten", None)
    assert gone in humanverse.open(str(ours)).tombstones
    assert problems(ours) == []


def test_an_other_that_is_compacted_meanwhile_is_gone_on_with(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Tombstones(frozenset([uids(theirs)[1]]))
    plain = Copier.write

    def compacted(self: Copier, decided: Decided) -> None:
        if decided.shard.of == 0 and not dead.uids & humanverse.open(str(theirs)).tombstones:
            other = humanverse.open(str(theirs))
            tombstones.write(other.store, dead, "asked to")
            compact.rewrite(other, 0, dead)
            compact.sweep(other)
        plain(self, decided)

    monkeypatch.setattr(Copier, "write", compacted)
    assert merge(str(ours), [str(theirs)]).others[0].lost == {
        2: f"{theirs} was compacted meanwhile: run the same command again"
    }
    assert problems(ours) == []
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.shards, part.kept, part.forgotten, part.tombstones) == (1, 1, 1, 1)
    assert problems(ours) == []
    assert all_rows(ours) == Counter(range(22))


def test_merged_shards_are_compacted_like_others(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    dead = Tombstones(frozenset(uids(theirs)[1:2]))
    tombstones.write(Store(ours), dead, "asked to")
    compact.rewrite(humanverse.open(str(ours)), 2, dead)
    compact.sweep(humanverse.open(str(ours)))
    assert problems(ours) == []
    assert len(uids(ours)) == 6
    assert all_rows(ours) == Counter(range(22))
    retried(theirs, [9])
    assert merge(str(ours), [str(theirs)]).others[0].kept == 1
    assert problems(ours) == []


def test_tombstones_of_both_hold(ours: Path, theirs: Path) -> None:
    five, seven, three = uids(theirs)[1], uids(theirs)[4], uids(theirs)[0]
    tombstones.write(Store(theirs), Tombstones(frozenset([five, three])), "asked to")
    tombstones.write(Store(ours), Tombstones(frozenset([seven])), "asked to")
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.kept, part.forgotten, part.duplicates, part.tombstones) == (1, 3, 2, 2)
    forgotten = [row for row in rows_said(ours, [2, 3]) if row[2] == "forgotten"]
    assert forgotten == [(row, "rejected", "forgotten", None) for row in (10, 11, 17)]
    served = {sample.uid for sample in humanverse.open(str(ours)).samples()}
    assert served.isdisjoint({five, seven, three})
    stored = [uid for shard in (2, 3) for uid in Dataset(str(ours)).images_as_written(shard).column("uid").to_pylist()]
    assert set(stored).isdisjoint({five, seven, three})
    assert problems(ours) == []


def test_new_tombstones_come_although_there_is_nothing_else(ours: Path, theirs: Path) -> None:
    merge(str(ours), [str(theirs)])
    gone = uids(theirs)[1]
    tombstones.write(Store(theirs), Tombstones(frozenset([gone])), "asked to")
    part = merge(str(ours), [str(theirs)]).others[0]
    assert (part.shards, part.tombstones) == (0, 1)
    assert gone not in uids(ours)
    with pytest.raises(UserError, match="has everything already"):
        merge(str(ours), [str(theirs)])


def test_urls_that_are_forgotten_stay_so(ours: Path, theirs: Path) -> None:
    tombstones.write(Store(ours), Tombstones(url_keys=frozenset([of_source("https://pictures.example/5.jpg")])), "no")
    assert merge(str(ours), [str(theirs)]).others[0].forgotten == 2
    assert [row for row in rows_said(ours, [2, 3]) if row[2] == "forgotten"] == [
        (11, "rejected", "forgotten", None),
        (15, "rejected", "forgotten", None),
    ]


def test_what_was_forgotten_there_by_its_url_is_not_served_here_with_other_bytes(ours: Path, tmp_path: Path) -> None:
    make(tmp_path / "grown", [[8]], columns={"url": "https://pictures.example/3.jpg"})
    three = uids(ours)[2]
    forget(str(tmp_path / "grown"), Request(urls=("https://pictures.example/3.jpg",)))
    assert merge(str(ours), [str(tmp_path / "grown")]).others[0].tombstones == 3
    assert three not in uids(ours)
    assert compact_all(str(ours)).samples == 1
    assert problems(ours) == []


def test_a_url_that_is_forgotten_while_its_shard_is_copied(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Copier._images

    def meanwhile(self: Copier, decided: Decided) -> None:
        if decided.shard.number == 2:
            forget(str(ours), Request(urls=("https://pictures.example/5.jpg",)))
        plain(self, decided)

    monkeypatch.setattr(Copier, "_images", meanwhile)
    merge(str(ours), [str(theirs)])
    assert uids(theirs)[1] not in uids(ours)
    assert problems(ours) == []
