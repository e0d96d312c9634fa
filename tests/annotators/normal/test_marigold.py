"""Marigold's normals: rows on photographs with the real pipeline and tiny networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from annotators.base import Picture
from annotators.normal.marigold import Marigold
from annotators.torch.diffusion import networks
from annotators.weights import WeightError, from_path, standing_in
from humanverse.codec import encode_jpeg
from tests.annotators import stable_diffusion
from tests.annotators.added import PHOTOGRAPHS, add, holds, photographs_here, place_of


def tiny(folder: Path) -> Path:
    """A Marigold pipeline with random weights, as diffusers saves it."""
    made = stable_diffusion.tiny(8, 2)
    import diffusers
    import transformers

    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    pipeline: Any = diffusers.MarigoldNormalsPipeline(
        made.unet,
        made.vae,
        diffusers.DDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=False),
        made.text,
        transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8),
        prediction_type="normals",
        default_denoising_steps=4,
        default_processing_resolution=768,
    )
    pipeline.save_pretrained(folder / "model")
    return folder / "model"


def picture(width: int, height: int) -> Picture:
    return Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8), 95))


@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "normal", "marigold", [tiny(tmp_path / "made")], longest_side=64, steps=2)
    for one in rows.values():
        assert max(one.row["map_width"], one.row["map_height"]) == 64 and one.row["map_box"] == [0, 0, *one.size]
        assert one.map is not None
        np.testing.assert_allclose(np.linalg.norm(one.map, axis=2), 1, atol=1e-5)


def test_the_noise_and_so_the_answer_follow_from_the_seed(tmp_path: Path) -> None:
    weights = standing_in(Marigold.card.weights, tiny(tmp_path / "made"))
    maps = []
    for seed in (0, 0, 1):
        annotator = Marigold(Marigold.Settings(longest_side=64, steps=2, seed=seed), weights=weights)
        annotator.load()
        (row,) = annotator.annotate([picture(90, 60)], {})
        assert isinstance(row, dict)
        maps.append(row["map"])
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 1e-3


class Facing:
    """A pipeline that says what Marigold does of a wall that leans back a little."""

    vae_scale_factor = 8
    vae = SimpleNamespace(config=SimpleNamespace(latent_channels=4))

    def __call__(self, images: torch.Tensor, **asked: Any) -> Any:
        assert asked["latents"].shape == (len(images), 4, images.shape[2] // 8, images.shape[3] // 8)
        normal = torch.tensor([0.0, 0.6, 0.8]).view(1, 3, 1, 1)
        return SimpleNamespace(prediction=normal.expand(len(images), 3, *images.shape[2:]))


class FacingNormal(Marigold):
    """The same with a pipeline of known output."""

    def build(self) -> Any:
        self._pipeline, self._multiple = Facing(), Facing.vae_scale_factor
        return torch.nn.Identity()


def test_its_frame_is_that_of_layers_and_the_map_covers_the_picture() -> None:
    annotator = FacingNormal()
    annotator.load()
    (row,) = annotator.annotate([picture(1000, 501)], {})
    assert isinstance(row, dict) and row["map_box"] == [0, 0, 1000, 501]
    assert row["map"].shape == (256, 512, 3)
    np.testing.assert_allclose(row["map"][128, 256], [0, 0.6, 0.8], atol=1e-6)


def test_a_folder_without_a_pipeline_is_refused_in_one_line(tmp_path: Path) -> None:
    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "model.safetensors")
    annotator = Marigold(weights={Marigold.card.weights[0]: from_path(tmp_path)})
    with pytest.raises(WeightError, match="no Marigold model") as error:
        annotator.load()
    assert "\n" not in str(error.value)


class FullMarigold(Marigold):
    """The same with Stable Diffusion 2's networks in all their size and random weights."""

    card = replace(Marigold.card, name="full-marigold", weights=())

    def build(self) -> Any:
        made = stable_diffusion.full(8)
        import diffusers

        scheduler = diffusers.DDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing")
        self._pipeline = diffusers.MarigoldNormalsPipeline(
            made.unet, made.vae, scheduler, made.text, None, prediction_type="normals"
        )
        self._pipeline.empty_text_embedding = torch.zeros(1, 2, 1024)
        self._multiple = int(self._pipeline.vae_scale_factor)
        return networks(self._pipeline)


@pytest.mark.slow
@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_the_networks_of_full_size_run(tmp_path: Path) -> None:
    place = place_of(tmp_path, PHOTOGRAPHS[:1])
    asked = {"longest_side": 256, "steps": 1}
    (one,) = add(place, "normal", f"{__name__}:FullMarigold", "full", [], **asked).values()
    assert one.row["map_width"] == 256 and one.map is not None
    np.testing.assert_allclose(np.linalg.norm(one.map, axis=2), 1, atol=1e-5)
