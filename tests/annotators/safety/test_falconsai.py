"""A picture classifier of transformers: the probability of its label, by name, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.safety.falconsai import Falconsai
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.tiny import saved

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
LABELS = {0: "normal", 1: "NSFW"}
TINY: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 48,
}


def vit(folder: Path, labels: dict[int, str], sizes: dict[str, Any] | None = None) -> Path:
    """A ViT that looks at pictures of 48 x 48, with random weights."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    config = ViTConfig(id2label=labels, initializer_range=0.3, **(TINY if sizes is None else sizes))
    side: Any = config.image_size
    processor = ViTImageProcessor(size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return saved(folder, lambda: ViTForImageClassification(config), processor)


def loaded(folder: Path, **settings: Any) -> Falconsai:
    annotator = Falconsai(Falconsai.Settings(**settings), weights={Falconsai.card.weights[0]: from_path(folder)})
    annotator.load()
    return annotator


def shown(count: int) -> list[Picture]:
    noise = np.random.default_rng(0).integers(0, 255, (count, 90, 120, 3), np.uint8)
    return [Picture(str(number), encode_jpeg(rgb, 95)) for number, rgb in enumerate(noise)]


def found(annotator: Falconsai, pictures: list[Picture]) -> list[float]:
    rows: list[Any] = list(annotator.annotate(pictures, {}))
    return [row["unsafe"] for row in rows]


@pytest.mark.parametrize(("labels", "index"), [(LABELS, 1), ({0: "nsfw", 1: "drawing", 2: "sfw"}, 0)])
def test_it_is_the_probability_of_the_label_wherever_that_is(
    tmp_path: Path, labels: dict[int, str], index: int
) -> None:
    from transformers import ViTForImageClassification

    folder = vit(tmp_path, labels)
    annotator, bare = loaded(folder, batch_size=2), ViTForImageClassification.from_pretrained(folder).eval()
    pictures = shown(3)
    with torch.inference_mode():
        inputs = torch.stack([annotator.input(picture.rgb) for picture in pictures])
        expected = bare(pixel_values=inputs).logits.softmax(dim=-1)[:, index]
    np.testing.assert_allclose(found(annotator, pictures), expected, atol=1e-5)


@pytest.mark.parametrize("labels", [{0: "safe", 1: "unsafe"}, {0: "nsfw", 1: "NSFW"}])
def test_a_model_of_other_labels_is_refused_in_one_line(tmp_path: Path, labels: dict[int, str]) -> None:
    with pytest.raises(WeightError, match=f"has the labels {', '.join(labels.values())}, and 'nsfw' is needed once"):
        loaded(vit(tmp_path, labels))


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "safety", "falconsai", [vit(tmp_path / "vit", LABELS)], PHOTOGRAPHS[:3])
    assert len({one.row["unsafe"] for one in rows.values()}) == 3


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    (probability,) = found(loaded(vit(tmp_path, LABELS, {})), shown(1))
    assert 0 <= probability <= 1
