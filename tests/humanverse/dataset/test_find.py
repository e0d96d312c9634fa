"""Samples by uid, by URL and by looks, against looking at every one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import humanverse
from humanverse.blocklists.keys import of_source
from humanverse.dataset import find as module
from humanverse.dataset.find import Wanted, find
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones, write
from tests.datasets import make_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    make_dataset(tmp_path / "d", shards=3, per_shard=5)
    return humanverse.open(str(tmp_path / "d"))


@pytest.mark.parametrize("at_once", [1, 7, 1 << 22])
@pytest.mark.parametrize("distance", [0, 3, 10])
def test_looks_are_found_as_by_brute_force(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, distance: int, at_once: int
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    samples = list(dataset)
    asked = [samples[0].columns["phash"] ^ 5, samples[7].columns["phash"] ^ 1, 0x123456789ABCDEF0]
    expected = []
    for sample in samples:
        bits = [(sample.columns["phash"] ^ other).bit_count() for other in asked]
        if min(bits) <= distance:
            expected.append((sample.uid, min(bits), bits.index(min(bits))))
    found = [
        item for shard in find(dataset, Wanted(phashes=np.array(asked, np.uint64), distance=distance)) for item in shard
    ]
    assert [(item.uid, item.distance, item.nearest) for item in found] == expected
    assert {item.by for item in found} <= {"picture"}


def test_what_names_a_sample_is_said_uid_first(dataset: Dataset) -> None:
    first, second, *_ = samples = list(dataset)
    keys = frozenset({of_source(first.columns["url"]), of_source(second.columns["url"])})
    found = [item for shard in find(dataset, Wanted(frozenset({first.uid}), keys)) for item in shard]
    assert [(item.uid, item.by, item.row) for item in found] == [(first.uid, "uid", 0), (second.uid, "url", 1)]
    assert len(samples) == 15


def test_what_is_forgotten_is_not_found(dataset: Dataset) -> None:
    uid = next(iter(dataset)).uid
    write(dataset.store, Tombstones(frozenset({uid})), "")
    again = humanverse.open(dataset.store.url)
    assert [list(shard) for shard in find(again, Wanted(frozenset({uid})))] == [[], [], []]
