"""A shard as a layer is made for it: rows as written, forgotten pictures kept back, and nothing published on a rewritten one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from humanverse.dataset import adding
from humanverse.dataset.adding import Rewritten, Target
from humanverse.dataset.commit import write_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones, write
from humanverse.errors import DatasetError
from pipelines.compact import compact
from tests.datasets import layer_table, make_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "d", shards=2, per_shard=4)
    return tmp_path / "d"


def forget(folder: Path, position: int) -> str:
    uid: str = Dataset(str(folder)).images(0)["uid"][position].as_py()
    write(Dataset(str(folder)).store, Tombstones(frozenset([uid])), "asked to")
    return uid


def test_pictures_are_those_of_the_tar_in_order(folder: Path) -> None:
    dataset = Dataset(str(folder))
    target = Target.open(dataset, 1)
    assert (target.number, target.generation, target.images.num_rows) == (1, 0, 4)
    assert list(target.jpegs()) == [dataset.jpeg(1, row) for row in target.images.to_pylist()]


def test_forgotten_pictures_keep_their_place_and_are_not_given(folder: Path) -> None:
    gone = forget(folder, 1)
    target = Target.open(Dataset(str(folder)), 0)
    assert target.forgotten.tolist() == [False, True, False, False]
    assert [jpeg is None for jpeg in target.jpegs()] == [False, True, False, False]
    assert target.layer("person/test")["uid"].to_pylist() == target.images["uid"].to_pylist()
    assert target.images["uid"][1].as_py() == gone


def test_a_layer_that_a_shard_lacks_is_named_with_the_command(folder: Path) -> None:
    (folder / "layers/person/test/000001.parquet").unlink()
    target = Target.open(Dataset(str(folder)), 1)
    with pytest.raises(
        DatasetError, match=r"^it has no layer person/test: run humanverse annotate .* person=test first$"
    ):
        target.layer("person/test")


def test_what_is_published_has_the_shards_generation(folder: Path) -> None:
    forget(folder, 1)
    compact(str(folder))
    target = Target.open(Dataset(str(folder)), 0)
    assert (target.generation, target.images.num_rows) == (1, 3)
    written = target.publish("caption/other", layer_table("caption/test", target.images.to_pylist(), {}))
    path = folder / "layers/caption/other/000000.g1.parquet"
    assert path.stat().st_size == written
    samples = target.images.to_pylist()
    written = target.publish("depth/other", layer_table("depth/test", samples, {}))
    assert written == sum(path.stat().st_size for path in (folder / "layers/depth/other").iterdir())


def test_nothing_is_published_for_a_shard_that_was_rewritten_meanwhile(folder: Path) -> None:
    target = Target.open(Dataset(str(folder)), 0)
    table = layer_table("caption/test", target.images.to_pylist(), {})
    forget(folder, 1)
    compact(str(folder))
    with pytest.raises(Rewritten, match="it was compacted meanwhile: run the same command again"):
        target.publish("caption/other", table)
    assert not (folder / "layers/caption/other").exists()


def test_what_was_written_while_the_shard_was_rewritten_is_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target.open(Dataset(str(folder)), 0)
    samples = target.images.to_pylist()

    def too_late(*arguments: Any) -> None:
        compact(str(folder))
        write_layer(*arguments)

    forget(folder, 1)
    monkeypatch.setattr(adding, "write_layer", too_late)
    with pytest.raises(Rewritten, match="it was compacted meanwhile: run the same command again"):
        target.publish("depth/other", layer_table("depth/test", samples, {}))
    assert not list((folder / "layers/depth/other").iterdir())


def test_a_dense_layer_that_is_needed_comes_with_its_maps(folder: Path) -> None:
    dataset = Dataset(str(folder))
    target = Target.open(dataset, 1)
    pngs = [dataset.map_png("depth/test", 1, row) for row in target.layer("depth/test").to_pylist()]
    assert target.needed("depth/test")["map"].to_pylist() == pngs and None not in pngs
    assert target.needed("depth/test", [1, 3])["map"].to_pylist() == [pngs[1], pngs[3]]
    assert target.needed("person/test").equals(target.layer("person/test"))


def test_a_row_without_a_map_has_none_where_it_is_needed(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=2, unavailable={"depth": "no estimator"})
    assert Target.open(Dataset(str(tmp_path / "d")), 0).needed("depth/test")["map"].to_pylist() == [None, None]


def test_maps_that_are_needed_are_found_after_a_compaction(folder: Path) -> None:
    target = Target.open(Dataset(str(folder)), 0)
    before = target.needed("depth/test")
    forget(folder, 1)
    compact(str(folder))
    pngs = target.dataset.map_pngs("depth/test", 0, before.drop_columns(["map"]))
    assert [png is None for png in pngs] == [False, True, False, False]
