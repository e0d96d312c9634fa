"""What a run is responsible for, and with which settings it does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import humanverse
from humanverse.dataset.extent import Extent
from humanverse.errors import DatasetError
from humanverse.sources import open_source
from pipelines.todo import Todo, recipe_of
from schemas.recipe import SourceSettings, load
from tests.datasets import make_dataset, make_retry


def todo(folder: Path, committed: set[int], primary: bool = True) -> Todo:
    """Of a source of 18 rows in shards of 6, of which a retry of 6 rows was planned."""
    (folder / "urls.txt").write_text("".join(f"http://h/{number}.jpg\n" for number in range(18)))
    source = open_source(str(folder / "urls.txt"), SourceSettings())
    passes = humanverse.open(str(folder / "d")).passes()
    return Todo(source, Extent(18, 6), frozenset(committed), primary, tuple(passes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "d", shards=3)
    make_retry(tmp_path / "d", ["timeout", "not_an_image"], commits=0)
    return tmp_path


@pytest.mark.parametrize(
    ("committed", "primary", "figures"),
    [
        (set(), True, (4, 0, 24, 0, 3)),
        ({0, 2}, True, (4, 2, 24, 12, 1)),
        ({0, 2, 3}, True, (4, 3, 18, 12, 1)),
        ({0, 1, 2}, True, (4, 3, 6, 0, 0)),
        ({0, 1, 2, 3}, True, (4, 4, 0, 0, 0)),
        ({0, 2}, False, (1, 0, 6, 0, 1)),
        ({0, 1, 2, 3}, False, (1, 1, 0, 0, 0)),
        ({0, 1, 2, 9}, True, (4, 3, 6, 0, 0)),
    ],
)
def test_figures(folder: Path, committed: set[int], primary: bool, figures: tuple[int, ...]) -> None:
    found = todo(folder, committed, primary)
    assert (found.planned, found.done, found.all_rows, found.rows_done, found.unbuilt) == figures


def works(found: Todo, folder: Path) -> list[list[int]]:
    """Numbers of the shards of each piece of work."""

    class Downloads:
        remote = True

        def feeds(self) -> list[Any]:
            return [lambda: found.source.shards(found.extent.shard_size, found.committed)]

    store = humanverse.open(str(folder / "d")).store
    return [[rows.number for rows in work.feed()] for work in found.works(store, load(), Downloads())]  # type: ignore[arg-type]


def test_what_was_begun_comes_first_and_what_is_there_not_at_all(folder: Path) -> None:
    assert works(todo(folder, {0, 2}), folder) == [[3], [1]]
    assert works(todo(folder, {0, 1, 2}), folder) == [[3]]
    assert works(todo(folder, {0, 1, 3}), folder) == [[2]]
    assert works(todo(folder, {0, 2}, primary=False), folder) == [[3]]


def test_a_plan_without_its_rows_is_named(folder: Path) -> None:
    (folder / "d/retries/000003.parquet").unlink()
    with pytest.raises(DatasetError, match=r"retries/000003.parquet is missing: run humanverse verify"):
        works(todo(folder, {0, 1, 2}), folder)


def test_the_plan_says_how_to_fetch_and_the_run_how_fast(folder: Path) -> None:
    (one,) = humanverse.open(str(folder / "d")).passes()
    planned = one.model_copy(update={"fetch": one.fetch.model_copy(update={"timeout_s": 99.0, "concurrency": 1})})
    recipe = load(overrides={"fetch": {"timeout_s": 1.0, "concurrency": 7}, "gate": {"min_side": 77}})
    found = recipe_of(planned, recipe)
    assert (found.fetch.timeout_s, found.fetch.concurrency, found.gate.min_side) == (99.0, 7, 77)
    assert found.fetch.all_failed_from == recipe.fetch.all_failed_from
