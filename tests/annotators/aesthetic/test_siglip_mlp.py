"""Aesthetic Predictor V2.5: the published head, embeddings of length 1, rows on photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.aesthetic.siglip_mlp import HEAD, SIGLIP, SiglipMlp
from annotators.base import Picture
from annotators.networks.siglip_aesthetic_mlp import SiglipAestheticMlp
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from tests.annotators import tiny_towers
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
PUBLISHED = {0: (1024, 1152), 2: (128, 1024), 4: (64, 128), 6: (16, 64), 8: (1, 16)}
"""Number of each linear layer of the published head -> its shape."""


class TinySiglip(SiglipMlp):
    """The same with a tiny SigLIP."""

    card = replace(SiglipMlp.card, name="tiny-siglip")
    width = tiny_towers.SIGLIP_WIDTH


def head(folder: Path, width: int) -> Path:
    """A head with random weights in a file of the published name and kind; its scores lie around 5."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = SiglipAestheticMlp(width)
    bias: Any = network.scoring_head[-1].bias
    torch.nn.init.constant_(bias, 5.0)
    torch.save(network.state_dict(), folder / HEAD.file_name)
    return folder / HEAD.file_name


def loaded(siglip: Path, head_file: Path, annotator: type[SiglipMlp] = TinySiglip) -> SiglipMlp:
    made = annotator(weights={SIGLIP: from_path(siglip), HEAD: from_path(head_file)})
    made.load()
    return made


def score(annotator: SiglipMlp, shown: Picture) -> float:
    (row,) = annotator.annotate([shown], {})
    assert isinstance(row, dict)
    return float(row["score"])


def noise() -> Picture:
    return Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8), 98))


def test_the_head_has_the_published_tensors() -> None:
    found = {name: tuple(tensor.shape) for name, tensor in SiglipAestheticMlp().state_dict().items()}
    assert found == {
        **{f"scoring_head.{number}.weight": shape for number, shape in PUBLISHED.items()},
        **{f"scoring_head.{number}.bias": shape[:1] for number, shape in PUBLISHED.items()},
    }


def test_a_score_is_the_heads_of_the_pooled_embedding_at_length_one(tmp_path: Path) -> None:
    from transformers import SiglipModel

    siglip = tiny_towers.siglip(tmp_path / "siglip")
    path = head(tmp_path, tiny_towers.SIGLIP_WIDTH)
    annotator, shown = loaded(siglip, path), noise()
    of = {name: tensor.double().numpy() for name, tensor in torch.load(path, weights_only=True).items()}
    with torch.inference_mode():
        bare = SiglipModel.from_pretrained(siglip).eval().vision_model
        pooled = bare(pixel_values=annotator._images.input(shown.rgb)[None]).pooler_output[0].double().numpy()
    values = pooled / np.linalg.norm(pooled)
    for number in PUBLISHED:
        values = of[f"scoring_head.{number}.weight"] @ values + of[f"scoring_head.{number}.bias"]
    np.testing.assert_allclose(score(annotator, shown), values[0], rtol=1e-5)


def test_a_head_of_another_network_is_refused_in_one_line(tmp_path: Path) -> None:
    siglip = tiny_towers.siglip(tmp_path / "siglip")
    path = tmp_path / HEAD.file_name
    torch.save({f"layers.{name}": torch.zeros(1) for name in ("0.weight", "0.bias")}, path)
    with pytest.raises(WeightError, match=r"is not of this network: lacks scoring_head\.0\.weight") as told:
        loaded(siglip, path)
    assert "\n" not in str(told.value)


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    weights = [tiny_towers.siglip(tmp_path / SIGLIP.file_name), head(tmp_path, tiny_towers.SIGLIP_WIDTH)]
    rows = holds(tmp_path, "aesthetic", f"{__name__}:TinySiglip", weights, PHOTOGRAPHS[:3])
    scores = [one.row["score"] for one in rows.values()]
    assert all(4 < found < 6 for found in scores) and len(set(scores)) == len(scores)


@pytest.mark.slow
def test_the_picture_tower_of_full_size_runs(tmp_path: Path) -> None:
    """With a small tower for texts, which scores do not need."""
    size = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
    text = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    siglip = tiny_towers.siglip(
        tmp_path / "siglip",
        {**size, "image_size": 384, "patch_size": 14},
        {**text, "vocab_size": 400, "projection_size": 1152, "bos_token_id": 2, "eos_token_id": 1},
    )
    assert np.isfinite(score(loaded(siglip, head(tmp_path, 1152), SiglipMlp), noise()))
