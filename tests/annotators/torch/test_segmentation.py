"""Labels out of a model's settings, and ids as the models' owners take them from its scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.segmentation.sapiens2 import PARTS, Sapiens2Segmentation
from annotators.segmentation.segformer_clothes import ATR, SegformerClothes
from annotators.torch.segmentation import labels_of
from annotators.weights import WeightError, standing_in
from humanverse.codec import encode_jpeg
from tests.annotators.segmentation import tiny


def picture(width: int, height: int) -> Picture:
    return Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8), 95))


def config(folder: Path, names: Sequence[str]) -> Path:
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(names))}))
    return folder


def test_the_settings_names_count_and_else_those_that_the_owners_publish(tmp_path: Path) -> None:
    unnamed = [f"LABEL_{index}" for index in range(3)]
    assert labels_of(config(tmp_path, ["Background", "Hair"]), PARTS) == ["Background", "Hair"]
    assert labels_of(config(tmp_path, unnamed), ["Background", "Hat", "Bag"]) == ["Background", "Hat", "Bag"]
    with pytest.raises(WeightError, match=r"label 0 .* is not background"):
        labels_of(config(tmp_path, unnamed), PARTS)


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["skin", "Hair"], "label 0 .* is not background"),
        (["Background", "Hair", "Hair"], "one of them twice"),
        (["Background", *(str(index) for index in range(255))], "more than 255 labels"),
        ([], "is not background"),
    ],
)
def test_labels_that_a_layer_cannot_have_are_refused_in_one_line(tmp_path: Path, names: list[str], wrong: str) -> None:
    with pytest.raises(WeightError, match=wrong) as error:
        labels_of(config(tmp_path, names), ())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["{}", '{"id2label": {"1": "Hair"}}', '{"id2label": {"a": "Hair"}}', "no JSON"])
def test_settings_without_labels_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WeightError, match="does not name the labels"):
        labels_of(tmp_path, ())


class Halves(torch.nn.Module):
    """Says label 2 on the left half of what it is shown and label 1 on the right, with a fourth of its resolution."""

    def forward(self, pixel_values: torch.Tensor) -> Any:
        batch, _, height, width = pixel_values.shape
        scores = torch.zeros(batch, 3, height // 4, width // 4)
        scores[:, 2, :, : width // 8] = 5
        scores[:, 1, :, width // 8 :] = 5
        return SimpleNamespace(logits=scores)


class HalvesParts(SegformerClothes):
    """The same with a network of known output."""

    def build(self) -> Any:
        super().build()
        self._names = ["Background", "right", "left"]
        return Halves()


@pytest.mark.parametrize("size", [(640, 426), (300, 900), (1600, 1200)])
def test_a_map_has_the_pictures_proportions_and_its_parts_their_places(tmp_path: Path, size: tuple[int, int]) -> None:
    annotator = HalvesParts(weights=standing_in(SegformerClothes.card.weights, tiny.segformer(tmp_path / "model")))
    annotator.load()
    (row,) = annotator.annotate([picture(*size)], {})
    assert isinstance(row, dict) and row["map_box"] == [0, 0, *size]
    scale = min(1, 512 / max(size))
    height, width = row["map"].shape
    assert (width, height) == tuple(round(side * scale) for side in size) and row["map"].dtype == np.uint8
    middle = width / 2
    assert (row["map"][:, : int(middle - 1)] == 2).all() and (row["map"][:, int(middle + 1) :] == 1).all()
    assert row["label_names"] == ["right", "left"]


def test_ids_are_those_of_the_owners_where_the_map_has_the_pictures_size(tmp_path: Path) -> None:
    made = standing_in(Sapiens2Segmentation.card.weights, tiny.sapiens2_parts(tmp_path / "model"))
    annotator = Sapiens2Segmentation(weights=made)
    annotator.load()
    shown = picture(200, 140)
    (row,) = annotator.annotate([shown], {})
    assert isinstance(row, dict)
    inputs = annotator._processor(images=shown.rgb, input_data_format="channels_last", return_tensors="pt")
    with torch.inference_mode():
        said = annotator.model(**inputs)
    (theirs,) = annotator._processor.post_process_semantic_segmentation(said, target_sizes=[(140, 200)])
    assert (row["map"] == theirs.numpy()).mean() > 0.999
    assert row["label_names"] == [PARTS[label] for label in np.unique(row["map"])]


def test_the_card_of_the_layer_names_all_labels(tmp_path: Path) -> None:
    weights = standing_in(SegformerClothes.card.weights, tiny.segformer(tmp_path / "model"))
    facts = SegformerClothes(weights=weights).provenance({})
    assert facts["labels"] == list(ATR)
    other = standing_in(SegformerClothes.card.weights, tiny.segformer(tmp_path / "other", ATR[:5]))
    assert SegformerClothes(weights=other).provenance({})["fingerprint"] != facts["fingerprint"]
