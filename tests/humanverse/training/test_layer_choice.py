"""Which of several layers is trained on must be said, for all kinds at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import humanverse
from humanverse.errors import UserError
from humanverse.training.layer_choice import check_chosen
from tests.datasets import make_dataset

KINDS = ("depth", "pose")


@pytest.fixture
def beside_truth(tmp_path: Path) -> humanverse.Dataset:
    """A dataset with two layers of each of KINDS, of which one is ground truth."""
    place = tmp_path / "people"
    url = make_dataset(place, 1, 2).url
    for layer in humanverse.open(url).layers():
        kind = layer.partition("/")[0]
        if kind in KINDS:
            card = {**json.loads((place / "layers" / layer / "layer.json").read_text()), "truth": True}
            (place / "layers" / kind / "truth").mkdir()
            (place / "layers" / kind / "truth" / "layer.json").write_text(json.dumps(card))
    return humanverse.open(url)


def test_all_kinds_are_told_at_once_with_a_setting_to_copy_that_takes_the_truth(
    beside_truth: humanverse.Dataset,
) -> None:
    selection = beside_truth.select(None)
    with pytest.raises(UserError, match=r"^several layers of depth, pose can be trained on \(depth/") as caught:
        check_chosen(selection, KINDS)
    told = str(caught.value)
    assert told.endswith("--set data.layers=[depth/truth,pose/truth]") and "\n" not in told
    with pytest.raises(UserError, match=r"^several layers of pose .*--set data.layers=\[depth/test,pose/truth\]$"):
        check_chosen(selection, ("depth/test", "pose"))


def test_what_is_named_or_the_only_one_is_taken(beside_truth: humanverse.Dataset) -> None:
    check_chosen(beside_truth.select(None), ("depth/truth", "pose/test", "person"))
