"""Layers that are not in all shards: a problem where the build made them, a note with a command elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset.commit import write_layer
from humanverse.dataset.create import declare_layer
from humanverse.dataset.verify import NOTE, PROBLEM
from schemas.provenance import fingerprint
from tests.datasets import cards, make_dataset, make_shard
from tests.humanverse.dataset.findings import found, messages


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A sound dataset, to break."""
    make_dataset(tmp_path / "d", shards=2, per_shard=3)
    return tmp_path / "d"


def test_an_added_layer_may_be_incomplete_and_the_recipes_may_not(broken: Path) -> None:
    store = humanverse.open(str(broken)).store
    facts = {**cards()["caption/test"], "name": "added"}
    declare_layer(store, "caption/added", {**facts, "fingerprint": fingerprint(facts)})
    write_layer(store, "caption/added", 0, make_shard(0, 0, 3, {}, {}).layers["caption/test"])
    assert found(broken) == [(NOTE, "layers/caption/added")]
    command = f"humanverse annotate {broken} caption=added"
    assert messages(broken) == f"is not made yet for 1 of 2 shards: {command} makes it"


def test_a_layer_of_the_recipe_that_is_not_there_at_all(broken: Path) -> None:
    shutil.rmtree(broken / "layers/caption")
    assert found(broken) == [(NOTE, "layers/caption/test")]
    command = f"humanverse annotate {broken} caption=test"
    assert messages(broken) == f"is of the recipe and was dropped: {command} makes it again"


def test_a_layer_of_the_recipe_that_has_lost_its_card_or_a_table(broken: Path) -> None:
    (broken / "layers/caption/test/000000.parquet").unlink()
    assert found(broken) == [(PROBLEM, "layers/caption/test/000000.parquet")]
    (broken / "layers/caption/test/layer.json").unlink()
    expected = {f"layers/caption/test/{name}" for name in ("layer.json", "000000.parquet")}
    assert set(found(broken)) == {(PROBLEM, path) for path in expected}
