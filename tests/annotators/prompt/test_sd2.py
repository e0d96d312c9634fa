"""States of captions: rows with a tiny text encoder and CLIP's vocabulary, and that they are those of the trainer's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.cache import WeightError
from annotators.prompt.sd2 import Sd2
from annotators.weights import standing_in
from humanverse.codec import arrays, encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.models.texts import states
from humanverse.training import parts
from humanverse.training.settings import ModelSettings
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.annotators.full_size import full
from tests.annotators.latent import tiny
from tests.datasets import make_dataset


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.pipeline(tmp_path_factory.mktemp("prompts") / "tiny")


def add(url: str, weights: Path, name: str, as_: str | None = None, **settings: object) -> None:
    names = {"prompt": as_} if as_ else {}
    asked = Asked({"prompt": name}, names, {"prompt": settings}, weights=[("prompt", str(weights))])
    assert annotate(url, asked, local=True).lost == {}


def said(url: str, layer: str) -> dict[str, np.ndarray]:
    """Text -> its states."""
    dataset = Dataset(url)
    found = {}
    for row in dataset.layer(layer, 0).to_pylist():
        data = dataset.map_png(layer, 0, row)
        assert data is not None and (row["map_width"], row["map_height"]) == (tiny.WIDTH, 77)
        found[row["text"]] = arrays.decode(data).astype(np.float32)
    return found


def test_they_are_those_of_the_trainers_own_encoder(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2", batch_size=1)
    add(url, weights, "sd2", "eight", batch_size=8)
    found, together = said(url, "prompt/sd2"), said(url, "prompt/eight")
    assert list(found) == [f"alt text of row {row}" for row in range(3)]
    encoder, tokenizer = parts.text_of(ModelSettings(base=str(weights)))
    with torch.no_grad():
        wanted = states(encoder, tokenizer, list(found), "cpu").numpy()
    for (words, one), expected in zip(found.items(), wanted, strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(together[words], one, rtol=1e-3, atol=1e-4)
    assert verify(Dataset(url)).findings == ()


def test_a_loader_gives_those_of_the_caption_that_it_chose(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 8).url
    add(url, weights, "sd2")
    add(url, weights, "sd2-caption")
    both = {**said(url, "prompt/sd2"), **said(url, "prompt/sd2-caption")}
    prompts = {"source": "prompt/sd2", "caption": "prompt/sd2-caption"}
    loader = Dataset(url).to_torch(
        layers=(), captions={"source": 1, "caption": 1}, buckets=[64], batch_size=8, prompts=prompts, epochs=1
    )
    (batch,) = loader
    assert set(batch["caption_sources"]) == {"source", "caption"} and batch["prompt_known"].all()
    for words, one in zip(batch["captions"], batch["prompt"], strict=True):
        np.testing.assert_array_equal(one.numpy(), both[words])


def test_a_sample_without_caption_has_none(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3, columns={"caption": " "}).url
    add(url, weights, "sd2")
    rows = Dataset(url).layer("prompt/sd2", 0).to_pylist()
    assert {(row["status"], row["reason"]) for row in rows} == {("unavailable", "the source says nothing of it")}
    options: dict[str, Any] = {
        "layers": (),
        "buckets": [64],
        "batch_size": 3,
        "prompts": {"source": "prompt/sd2"},
        "epochs": 1,
    }
    (batch,) = Dataset(url).to_torch(**options)
    assert batch["captions"] == [""] * 3 and not batch["prompt_known"].any()


def test_a_pipeline_without_text_encoder_is_refused_in_one_line(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "vae").mkdir()
    for name in ("model_index.json", "vae/diffusion_pytorch_model.safetensors"):
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    with pytest.raises(WeightError, match="has no text_encoder"):
        Sd2(weights=standing_in(Sd2.card.weights, tmp_path)).load()


@pytest.mark.slow
def test_the_text_encoder_of_full_size_runs(tmp_path: Path) -> None:
    found, weights = full("prompt", "sd2", tmp_path)
    made = found(Sd2.Settings(threads=2), "cpu", weights)
    made.load()
    jpeg = encode_jpeg(np.zeros((64, 64, 3), np.uint8), 95)
    (row,) = made.annotate([Picture("0", jpeg, "a man in a red coat")], {})
    assert isinstance(row, dict) and row["map"].shape == (77, 1024) and np.isfinite(row["map"]).all()
    assert sum(value.numel() for value in made.model.parameters()) == 340_387_840  # type: ignore[attr-defined]
