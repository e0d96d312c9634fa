"""Stage 2 in the trainer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.pipelines.refiner import RefinerPipeline
from humanverse.training.checkpoints import RunFolder
from humanverse.training.refiner import RefinerStage
from tests.humanverse.models import tiny as models
from tests.humanverse.training import tiny

SCRATCH: dict[str, Any] = {
    "model__preset": "skeleton_depth",
    "model__unet": {
        **tiny.UNET,
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 4,
    },
    "model__train_base": True,
}
CPU = torch.device("cpu")


def _batch(count: int) -> dict[str, Any]:
    return {
        "image": models.noise(count, 3, 16, 16).clamp(-1, 1),
        "depth": models.noise(count, 1, 16, 16, seed=1).clamp(-1, 1),
        "skeleton": models.noise(count, 3, 16, 16, seed=2).clamp(-1, 1),
        "sizes": torch.tensor([[480, 640, 3, 5]]).expand(count, 4),
        "captions": ["one person"] * count,
    }


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like SDXL's."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    folder = tmp_path_factory.mktemp("sdxl")
    first, second = models.text_encoder(4), models.text_encoder(8, 8)
    letters = models.tokenizer(), models.tokenizer()
    unet = models.unet(models.SDXL)
    StableDiffusionXLPipeline(
        models.vae(), first, second, *letters, unet, EulerDiscreteScheduler(), add_watermarker=False
    ).save_pretrained(folder)
    return folder


def test_both_networks_are_trained_from_scratch_and_go_on_to_the_same_bits(people: str, tmp_path: Path) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    outcome = tiny.trained(people, straight, "refiner", **SCRATCH)
    tiny.trained(people, stopped, "refiner", **SCRATCH, samples=4)
    tiny.trained(people, stopped, "refiner", **SCRATCH)
    tiny.assert_equal(RunFolder(straight).checkpoint(12), RunFolder(stopped).checkpoint(12))
    names = {name.split("/")[0] for name in tiny.tensors(RunFolder(straight).checkpoint(12))}
    assert names == {"refiner", "unet", "ema.safetensors", "optimiser"}
    loaded = RefinerPipeline.from_pretrained(outcome.pipeline)
    assert [condition.name for condition in loaded.refiner.conditions] == ["skeleton", "depth"]


def test_the_loss_falls(people: str, tmp_path: Path) -> None:
    size: dict[str, Any] = {"batch": 10, "micro_batch": 10, "samples": 400, "log__every": 10, "ema__half_life": 0}
    tiny.trained(people, tmp_path, "refiner", **SCRATCH, **size, checkpoint__every=1000)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 40 and sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_only_the_refiner_is_trained_beside_a_base(people: str, sdxl: Path, tmp_path: Path) -> None:
    base: dict[str, Any] = {"unet": None, "vae": None, "text": None, "base": str(sdxl)}
    own = {f"model__{name}": value for name, value in base.items()}
    changes = {"model__preset": "depth", "model__changes": {"embedder_channels": list(models.EMBEDDER)}}
    outcome = tiny.trained(
        people, tmp_path, "refiner", **own, **changes, data__buckets=[64], samples=4,
        validation__every=4, validation__samples=1, validation__steps=1,
    )  # fmt: skip
    assert outcome.loss is not None and math.isfinite(outcome.loss)
    loaded = RefinerPipeline.from_pretrained(outcome.pipeline)
    before = models.unet(models.SDXL).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in loaded.unet.state_dict().items())
    assert loaded.refiner.encoder.controlnet_mid_block.weight.abs().max() > 0
    assert (tmp_path / "validation/000000000004.png").exists()


def test_each_condition_and_the_text_are_dropped_on_their_own() -> None:
    stage = RefinerStage(tiny.settings(**SCRATCH), None, CPU)
    seen: list[Any] = []

    def model(noised: Any, steps: Any, text: Any, maps: Any, added: Any) -> torch.Tensor:
        seen.append((text, maps, added))
        return noised

    count = 200
    stage.learn(model, _batch(count), range(count))  # type: ignore[arg-type]
    text, maps, added = seen[0]
    gone = {name: picture.flatten(1).eq(0).all(dim=1) for name, picture in maps.items()}
    gone["text"] = text.eq(text[0]).flatten(1).all(dim=1)
    for first in gone.values():
        assert 0.35 < float(first.float().mean()) < 0.65
    together = torch.corrcoef(torch.stack([one.float() for one in gone.values()]))
    assert (together - torch.eye(3)).abs().max() < 0.25
    assert added["time_ids"][0].tolist() == [480, 640, 3, 5, 16, 16]


def test_what_cannot_be_refined_is_one_line() -> None:
    for changes, line in (
        ({"model__train_base": False}, "set model.train_base=true, too"),
        ({"model__unet": tiny.UNET}, "the refiner steers UNets with SDXL's inputs"),
        ({"model__preset": "rgb_depth"}, "model.preset rgb_depth: choose from paper, no_dropout"),
        ({"model__changes": {"depth": 3}}, "model: no refiner can be built: TypeError"),
    ):
        with pytest.raises(UserError, match=line):
            RefinerStage(tiny.settings(**{**SCRATCH, **changes}), None, CPU)


def test_a_latent_that_a_batch_brings_is_taken_for_its_picture() -> None:
    stage = RefinerStage(tiny.settings(**SCRATCH), None, CPU)
    batch = _batch(2)
    scale = stage.encoding.vae.config.scaling_factor
    brought = {**batch, "latent_rgb": stage.encoding.latents("rgb", batch) / scale}
    del brought["image"]
    one, other = (stage.learn(stage.model, given, range(2)).losses.total for given in (batch, brought))
    assert torch.allclose(one, other, rtol=1e-6)
