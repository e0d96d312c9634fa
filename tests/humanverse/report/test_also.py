"""Retries, views and block-lists in the report."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from humanverse.dataset import blocklists, layout
from humanverse.dataset.plan_retry import plan
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import status
from humanverse.dataset.views import write_filter, write_view
from humanverse.errors import DatasetError
from humanverse.report import also, page
from humanverse.storage import Store
from pipelines.merge import merge
from pipelines.view import make
from schemas.filters import SCHEMA
from schemas.recipe import BlockSettings, FetchSettings
from tests.datasets import make_dataset, make_retry
from tests.merging import make as make_merged


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_dataset(tmp_path / "d", shards=2, per_shard=2)


def read(store: Store) -> also.Also:
    dataset = Dataset(store.url)
    return also.read(dataset, status(dataset))


def test_a_dataset_that_has_none_of_it(store: Store) -> None:
    assert not read(store)


def test_a_merge_says_where_from_and_what_it_brought(store: Store, tmp_path: Path) -> None:
    dataset = make_merged(tmp_path / "other people", [[7], [8]], layers=["person/test"])
    merge(store.url, [dataset.store.url])
    found = read(store)
    assert found.merges == (also.MergeLine(0, "other people", 8, "2/2", "person/test"),)
    assert found
    text = page.render(Dataset(store.url), 1, "")
    assert "<code>other people</code>" in text
    own, whole = Dataset(store.url).source["rows"], status(Dataset(store.url))
    assert f"2 of 2 shards from other datasets committed, {whole.planned_rows - own} rows beside those of" in text
    assert f"table, {own} rows" in text
    assert f"{whole.shards + 2} of {whole.planned_shards + 2} committed; of the source {whole.shards} of" in text
    assert "source rows, merged ones too" in text
    assert text.count("<dt>layers made") == 1
    assert str(tmp_path / "other people") not in text


def test_a_retry_says_what_it_tried_and_how_otherwise(store: Store, tmp_path: Path) -> None:
    make_retry(tmp_path / "d", ["timeout"], kept=[2])
    fetch = FetchSettings(timeout_s=90, retries=5, proxy="http://me:secret@proxy:3128")
    assert plan(Dataset(store.url), ["not_an_image", "timeout"], fetch)
    first, second = read(store).retries
    assert (first.number, first.reasons, first.rows, first.shards, first.changed) == (0, "timeout", 2, "1/1", ())
    assert (second.number, second.reasons, second.rows, second.shards) == (1, "not_an_image, timeout", 3, "0/1")
    assert set(second.changed) == {
        "timeout_s: 30.0 -> 90.0",
        "retries: 2 -> 5",
        'proxy: null -> "http://***@proxy:3128"',
    }


def test_a_view_says_what_each_filter_leaves_out(store: Store) -> None:
    row = {"row": 1, "uid": "b" * 32, "of_shard": 0, "of_row": 0, "of_uid": "a" * 32, "distance": 0}
    gone = pa.Table.from_pylist([row], schema=SCHEMA)
    made = write_filter(store, "alike", iter([(0, gone)]), [0], {"command": "dedup"}, {})
    write_view(store, "best", [made])
    write_view(store, "all", [])
    assert read(store).views == (also.ViewLine("all", "none", 0, 0), also.ViewLine("best", "alike/000000", 1, 1))


def test_a_damaged_view_is_told(store: Store) -> None:
    store.write(layout.view("best"), b"{")
    assert read(store).views == (also.ViewLine("best", "damaged", None, 2),)


def test_a_view_of_expressions_has_a_line_for_each(store: Store) -> None:
    make(store.url, "wide", ["width > 1", "width > 1000"])
    assert read(store).views == (also.ViewLine("wide", "width > 1", 0, 0), also.ViewLine("wide", "width > 1000", 4, 0))
    write_view(store, "wide", [], where=["width > 1"])
    assert read(store).views == (also.ViewLine("wide", "width > 1", None, 0),)


def test_block_lists_of_the_last_run(store: Store, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://a.example/1.jpg\nhttp://a.example/2.jpg\n")
    lists = blocklists.obtain(store, BlockSettings(urls=(str(tmp_path / "urls.txt"),)))
    blocklists.publish(store, lists, 4)
    assert read(store).lists == (also.ListLine("urls", "urls.txt", 2),)
    blocklists.publish(store, [], 4)
    assert read(store).lists == ()


def test_a_damaged_plan_is_one_line(store: Store) -> None:
    store.write(layout.retry_pass(0), b"{}")
    with pytest.raises(DatasetError, match="is damaged"):
        read(store)
