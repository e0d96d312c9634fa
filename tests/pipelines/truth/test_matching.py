"""Which annotated picture is which sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.truth.coco_json import CocoFile, CocoPicture
from pipelines.truth.matching import Matching, last_part
from tests.datasets import make_dataset


def file(*names: str) -> CocoFile:
    pictures = tuple(CocoPicture(index, name, 320, 240, ()) for index, name in enumerate(names, start=1))
    return CocoFile(Path("truth.json"), "0" * 64, pictures, False)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://images.example/val2017/000785.jpg", "000785.jpg"),
        ("https://images.example/a%20b.jpg?size=1#top", "a b.jpg"),
        ("/data/train.tar#000785.jpg", "000785.jpg"),
        ("s3://bucket/train.tar#deep/in/000785.jpg", "000785.jpg"),
        ("/data/what #1.jpg", "what #1.jpg"),
        ("000785.jpg", "000785.jpg"),
    ],
)
def test_the_last_part(url: str, name: str) -> None:
    assert last_part(url) == name


def test_by_file_name(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    dataset = Dataset(str(tmp_path / "d"))
    matching = Matching(file("val/0.jpg", "1.jpg", "other/1.jpg", "9.jpg"), None)
    matching.look_at(dataset, [0])
    keys = matching.keys(dataset.images(0))
    assert keys == ["0.jpg", "1.jpg", "2.jpg"]
    found = [matching.picture(key) for key in keys]
    assert found[0] is not None and found[0].id == 1
    assert found[1] is None and matching.ambiguous == {"1.jpg"}
    assert found[2] is None and matching.picture(None) is None


def test_different_samples_of_one_name(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, columns={"url": "http://pictures.example/a.jpg"})
    matching = Matching(file("a.jpg"), None)
    matching.look_at(Dataset(str(tmp_path / "d")), [0, 1])
    assert matching.picture("a.jpg") is None and matching.ambiguous == {"a.jpg"}


@pytest.mark.parametrize("value", ["2", "000785", "000785.jpg"])
def test_by_a_column_with_ids_or_names(tmp_path: Path, value: str) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1, columns={"key": value})
    matching = Matching(file("x.jpg", "000785.jpg"), "key")
    (key,) = matching.keys(Dataset(str(tmp_path / "d")).images(0))
    found = matching.picture(key)
    assert found is not None and found.name == "000785.jpg"


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    with pytest.raises(UserError, match="--match coco_id: the samples have no such column, only uid, row, url"):
        Matching(file("a.jpg"), "coco_id").keys(Dataset(str(tmp_path / "d")).images(0))
