"""Requests: neighbours are one, and what is not there is a reason."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from humanverse.dataset import tombstones
from humanverse.dataset.members import Place
from humanverse.dataset.reader import Dataset
from humanverse.loading.fetching import GAP, MOST, PICTURE, Fetching, Wanted, spans
from humanverse.loading.tables import Facts, Tables
from humanverse.storage import Store
from pipelines.compact import compact
from tests.datasets import make_dataset


def member(shard: int, layer: str, offset: int, size: int) -> Wanted:
    return Wanted(Facts(f"{offset}", shard, {}, {}, None), layer, Place(offset, size))


def test_neighbours_are_one_request_and_others_are_not() -> None:
    near = [member(0, PICTURE, 512, 1000), member(0, PICTURE, 2048, 1000)]
    far = member(0, PICTURE, 3048 + GAP + 1, 1000)
    other_tar, other_shard = member(0, "depth/a", 4096, 1000), member(1, PICTURE, 4096, 1000)
    found = spans([other_shard, far, near[1], other_tar, near[0]])
    assert found == [near, [far], [other_tar], [other_shard]]


def test_requests_are_not_larger_than_they_may_be() -> None:
    size = MOST // 4
    many = [member(0, PICTURE, 512 + number * (size + 512), size) for number in range(9)]
    assert [len(group) for group in spans(many)] == [3, 3, 3]
    assert spans([member(0, PICTURE, 512, 3 * MOST)]) == [[member(0, PICTURE, 512, 3 * MOST)]]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def facts_of(dataset: Dataset, shard: int) -> list[Facts | None]:
    rows = dataset.images(shard).column("row").to_numpy()
    return Tables(dataset, ["depth/test"], 2).facts(np.full(len(rows), shard), rows)


def test_a_shard_is_one_request_per_tar_and_gives_the_stored_bytes(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 1, 5).url)
    facts, asked = facts_of(dataset, 0), []
    read_range = Store.read_range

    def counted(store: Store, path: str, offset: int, size: int) -> bytes:
        asked.append(path)
        return read_range(store, path, offset, size)

    monkeypatch.setattr(Store, "read_range", counted)
    found = Fetching(dataset, threads).contents(facts, [PICTURE, "depth/test"])
    assert sorted(asked) == ["images/000000.tar", "layers/depth/test/000000.tar"]
    for row, said, contents in zip(
        dataset.images(0).to_pylist(), dataset.layer("depth", 0).to_pylist(), found, strict=True
    ):
        assert contents.trouble is None
        assert contents.parts[PICTURE] == dataset.jpeg(0, row)
        assert contents.parts["depth/test"] == dataset.map_png("depth", 0, said)


def test_what_was_compacted_meanwhile_is_read_where_it_is_now(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    url = make_dataset(tmp_path / "people", 1, 5).url
    dataset = Dataset(url)
    facts = facts_of(dataset, 0)
    stored = [dataset.jpeg(0, row) for row in dataset.images(0).to_pylist()]
    gone = facts[1]
    assert gone is not None
    tombstones.write(Store(url), tombstones.Tombstones(frozenset([gone.uid])), "asked")
    compact(url)
    fetching = Fetching(dataset, threads)
    found = fetching.contents(facts, [PICTURE, "depth/test"])
    assert [contents.trouble for contents in found] == [None, "forgotten", None, None, None]
    assert fetching.moved == {0}
    assert [contents.parts.get(PICTURE) for contents in found if not contents.trouble] == [stored[0], *stored[2:]]


def test_a_member_that_is_another_is_damaged_and_costs_only_itself(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    dataset = Dataset(url)
    facts = facts_of(dataset, 0)
    with Path(f"{url}/images/000000.tar").open("r+b") as tar:
        tar.seek(dataset.images(0).column("jpg_offset")[1].as_py() - 512)
        tar.write(b"other.jpg")
    found = Fetching(dataset, threads).contents(facts, [PICTURE])
    assert [contents.trouble for contents in found] == [None, "damaged", None]
