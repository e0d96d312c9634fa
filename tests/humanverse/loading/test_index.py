"""The samples of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import write_view
from humanverse.errors import DatasetError, UserError
from humanverse.loading.index import build_index, load_index, save_index
from tests.datasets import make_dataset

SIZES = ((512, 512), (576, 448))


def test_an_index_has_the_rows_and_buckets_of_the_view(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 3, 4).url)
    index = build_index(dataset.select(None), SIZES, dataset.shards())
    assert len(index) == 12 and index.starts.tolist() == [0, 4, 8, 12]
    assert (index.buckets == 1).all() and index.counts.tolist() == [[0, 4]] * 3
    shards, rows = index.places(np.array([0, 3, 4, 11]))
    assert shards.tolist() == [0, 0, 1, 2]
    told = [dataset.images(shard).column("row").to_pylist() for shard in (0, 1, 2)]
    assert rows.tolist() == [told[0][0], told[0][3], told[1][0], told[2][3]]


def test_a_view_leaves_out_samples_and_shards(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "people", 3, 4)
    write_view(store, "some", [], where=["row >= 8"])
    dataset = Dataset(store.url)
    index = build_index(dataset.select("some"), SIZES, dataset.shards())
    assert index.shards.tolist() == [1, 2]
    assert (index.places(np.arange(len(index)))[1] >= 8).all()


def test_an_index_survives_its_file(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 2, 3).url)
    index, path = build_index(dataset.select(None), SIZES, dataset.shards()), str(tmp_path / "runs" / "a.npz")
    assert load_index(path) is None
    save_index(index, path)
    again = load_index(path)
    assert again is not None and again.digest == index.digest and again.view == index.view == ""
    save_index(replace(index, view=None), path)  # as it was written before views were kept
    old = load_index(path)
    assert old is not None and old.digest == index.digest and old.view is None
    np.testing.assert_array_equal(again.rows, index.rows)
    assert build_index(dataset.select(None), SIZES[:1], dataset.shards()).digest != index.digest


def test_a_damaged_index_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="delete it"):
        load_index(str(path))


def test_without_samples_there_is_no_index(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "people", 1, 2)
    dataset = Dataset(store.url)
    tombstones.write(store, tombstones.Tombstones(frozenset(dataset.images(0).column("uid").to_pylist())), "asked")
    with pytest.raises(DatasetError, match="has no samples"):
        build_index(Dataset(store.url).select(None), SIZES, [0])
