"""LAION's head on CLIP: the published tensors and what they compute, rows on photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.networks.clip_nsfw_mlp import ClipNsfwMlp
from annotators.safety.laion_clip import HEAD, LaionClip
from annotators.torch.clip_images import OPENAI_L14
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from tests.annotators import tiny_towers
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
PUBLISHED = {
    "norm.mean": [768],
    "norm.variance": [768],
    "linear_1.weight": [64, 768],
    "linear_1.bias": [64],
    "linear_2.weight": [512, 64],
    "linear_2.bias": [512],
    "linear_3.weight": [256, 512],
    "linear_3.bias": [256],
    "linear_4.weight": [1, 256],
    "linear_4.bias": [1],
}


class TinyLaionClip(LaionClip):
    """The same with a tiny image tower."""

    card = replace(LaionClip.card, name="tiny-laion-clip")
    architecture = tiny_towers.CLIP


@pytest.fixture(autouse=True)
def known_to_open_clip(tmp_path: Path) -> None:
    tiny_towers.know_clip(tmp_path)


def head(folder: Path, **instead: torch.Tensor) -> Path:
    """A head with random weights in a file of the published name and kind."""
    random = torch.Generator().manual_seed(5)
    tensors = {name: torch.randn(shape, generator=random) * 0.2 for name, shape in PUBLISHED.items()}
    tensors["norm.variance"] = tensors["norm.variance"].abs() + 0.001
    path = folder / HEAD.file_name
    torch.save({**tensors, **instead}, path)
    return path


def loaded(folder: Path, head_file: Path) -> LaionClip:
    instead = {OPENAI_L14: from_path(tiny_towers.clip(folder)), HEAD: from_path(head_file)}
    annotator = TinyLaionClip(weights=instead)
    annotator.load()
    return annotator


def test_the_head_has_the_published_tensors() -> None:
    assert {name: list(tensor.shape) for name, tensor in ClipNsfwMlp().state_dict().items()} == PUBLISHED


def test_a_probability_is_the_published_networks(tmp_path: Path) -> None:
    path = head(tmp_path)
    annotator = loaded(tmp_path, path)
    shown = Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8), 98))
    (row,) = annotator.annotate([shown], {})
    of = {name: tensor.double().numpy() for name, tensor in torch.load(path, weights_only=True).items()}
    with torch.inference_mode():
        embedding = annotator.model(annotator.input(shown.rgb)[None])[0].double().numpy()
    hidden = embedding / np.linalg.norm(embedding)
    hidden = (hidden - of["norm.mean"]) / np.sqrt(of["norm.variance"])
    for layer in (1, 2, 3):
        hidden = np.maximum(of[f"linear_{layer}.weight"] @ hidden + of[f"linear_{layer}.bias"], 0)
    (logit,) = of["linear_4.weight"] @ hidden + of["linear_4.bias"]
    assert isinstance(row, dict)
    np.testing.assert_allclose(row["unsafe"], 1 / (1 + np.exp(-logit)), atol=1e-5)


def test_a_head_for_other_embeddings_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match=r"linear_1.weight is \[32, 512\] instead of \[64, 768\]") as told:
        loaded(tmp_path, head(tmp_path, **{"linear_1.weight": torch.zeros(32, 512)}))
    assert "\n" not in str(told.value)


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    weights = [tiny_towers.clip(tmp_path), head(tmp_path)]
    rows = holds(tmp_path, "safety", f"{__name__}:TinyLaionClip", weights, PHOTOGRAPHS[:3])
    found: list[Any] = [one.row["unsafe"] for one in rows.values()]
    assert len(set(found)) == 3
