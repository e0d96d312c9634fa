"""Which layer is right, and which are judged by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.compare.truth import NoTruth, find
from humanverse.dataset import layout
from humanverse.dataset.create import json_bytes
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer, longer


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """``caption/test``, and the same as ``truth`` and ``other``."""
    make_dataset(tmp_path / "people", shards=1, per_shard=2)
    dataset = Dataset(str(tmp_path / "people"))
    for name in ("truth", "other"):
        add_layer(dataset, f"caption/{name}", "caption/test", longer)
    return dataset


def mark(dataset: Dataset, layer: str) -> None:
    """Say in ``layer.json`` that it is ground truth."""
    card = {**dataset.layer_card(layer), "truth": True}
    dataset.store.write(layout.layer_card(layer), json_bytes(card))


def test_the_layer_called_truth(dataset: Dataset) -> None:
    found = find(dataset)
    assert dict(found.truths) == {"caption": "caption/truth"}
    assert found.judged == (("caption/other", "caption/truth"), ("caption/test", "caption/truth"))


def test_another_name(dataset: Dataset) -> None:
    assert find(dataset, "other").judged == (("caption/test", "caption/other"), ("caption/truth", "caption/other"))
    assert dict(find(dataset, "test").truths)["person"] == "person/test"
    with pytest.raises(NoTruth, match=r"no layer of .*people is called 'tests': there are person/test, pose/test"):
        find(dataset, "tests")


def test_what_says_that_it_is_ground_truth(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=2)
    dataset = Dataset(str(tmp_path / "people"))
    with pytest.raises(
        NoTruth, match=r"is ground truth: name what .* with --truth NAME, or two layers .*; there are person/test"
    ):
        find(dataset)
    add_layer(dataset, "caption/coco", "caption/test", longer)
    mark(dataset, "caption/coco")
    assert find(dataset).judged == (("caption/test", "caption/coco"),)
    mark(dataset, "pose/test")
    assert dict(find(dataset).truths) == {"pose": "pose/test", "caption": "caption/coco"}
    assert find(dataset).judged == (("caption/test", "caption/coco"),), "no pose beside the truth"


def test_several_must_be_chosen_from(dataset: Dataset) -> None:
    mark(dataset, "caption/other")
    assert find(dataset).judged == (("caption/test", "caption/truth"),), "one truth is not judged by another"
    add_layer(dataset, "person/coco", "person/test", lambda row, said: said)
    add_layer(dataset, "person/mine", "person/test", lambda row, said: said)
    mark(dataset, "person/coco")
    mark(dataset, "person/mine")
    with pytest.raises(
        UserError, match="several person layers are ground truth: choose one of coco, mine with --truth NAME"
    ):
        find(dataset)


def test_nothing_beside_it(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=2)
    with pytest.raises(
        NoTruth, match=r"has person/test, pose/test, .* and no other layer .* annotate .*people person=NAME"
    ):
        find(Dataset(str(tmp_path / "people")), "test")
