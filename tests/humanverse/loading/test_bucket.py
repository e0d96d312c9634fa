"""Training batches out of a bucket."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from humanverse.loading.order import Mixing
from humanverse.storage import Store
from tests.bucket import bucket_here
from tests.humanverse.loading.opened import loader, people, taken


def test_batches_out_of_a_bucket_are_those_of_the_folder_by_few_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = people(tmp_path, shards=2, per_shard=24)
    mixing = Mixing(lanes=1, mix=2, block=8, window=6)
    here = taken(loader(url, mixing=mixing, epochs=1))
    asked: Counter[str] = Counter()
    read_range = Store.read_range

    def counted(store: Store, path: str, offset: int, size: int) -> bytes:
        asked[path] += 1
        return read_range(store, path, offset, size)

    with bucket_here() as bucket:
        for path, _ in Store(url).walk():
            Store(f"{bucket}/people").write(path, Store(url).read(path))
        monkeypatch.setattr(Store, "read_range", counted)
        there = taken(loader(f"{bucket}/people", mixing=mixing, epochs=1))
    assert [batch["uids"] for batch in here] == [batch["uids"] for batch in there] and len(here) == 24
    assert all((one["image"] == other["image"]).all() for one, other in zip(here, there, strict=True))
    """48 samples, 96 members: all of a shard are in one window, so that a request has many of them."""
    assert len(asked) == 4 and max(asked.values()) <= 2
