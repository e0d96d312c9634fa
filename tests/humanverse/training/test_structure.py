"""Stage 1 in the trainer: what a pass learns is what the formulas say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.schedule import scheduler_for
from humanverse.models.structural_unet import StructuralUNet, StructuralUNetOutput
from humanverse.training.chance import noise_for, steps_for
from humanverse.training.structure import StructureStage
from tests.humanverse.models import tiny as models
from tests.humanverse.training import tiny

CPU = torch.device("cpu")


def _batch(count: int = 2) -> dict[str, Any]:
    return {
        "image": models.noise(count, 3, 16, 16).clamp(-1, 1),
        "depth": models.noise(count, 1, 16, 16, seed=1).clamp(-1, 1) / 4,
        "skeleton": models.noise(count, 3, 16, 16, seed=2).clamp(-1, 1),
        "sizes": torch.tensor([[480, 640, 3, 5]]).expand(count, 4),
        "captions": ["one person"] * count,
    }


class _Watch:
    """A model that keeps what it is given, and predicts nothing."""

    def __call__(self, noised: Any, steps: Any, text: Any, told: Any, sizes: Any) -> StructuralUNetOutput:
        self.noised, self.steps, self.text, self.told, self.sizes = noised, steps, text, told, sizes
        return StructuralUNetOutput(sample={name: torch.zeros_like(value) for name, value in noised.items()})


def _learn(batch: dict[str, Any], numbers: range, **changes: Any) -> tuple[Any, _Watch, StructureStage]:
    stage, watch = StructureStage(tiny.settings(**changes), None, CPU), _Watch()
    stage.prepare([batch])
    return stage.learn(watch, batch, numbers), watch, stage  # type: ignore[arg-type]


def test_targets_are_noised_and_velocities_are_wanted() -> None:
    batch, numbers = _batch(), range(40, 42)
    told, watch, stage = _learn(batch, numbers, dropout=0)
    scaled = {"rgb": batch["image"], "depth": batch["depth"].expand(-1, 3, -1, -1)}
    clean = {name: torch.nn.functional.pixel_unshuffle(value, 2) * 2 for name, value in scaled.items()}
    clean = {name: stage.unet.normalise(name, value) for name, value in clean.items()}
    steps = steps_for(0, numbers, ["rgb", "depth"], False, CPU)["rgb"]
    noise = noise_for(0, numbers, clean)
    kept = scheduler_for().alphas_cumprod[steps].reshape(-1, 1, 1, 1)
    for name in clean:
        assert torch.allclose(
            watch.noised[name], kept.sqrt() * clean[name] + (1 - kept).sqrt() * noise[name], atol=1e-5
        )
        velocity = kept.sqrt() * noise[name] - (1 - kept).sqrt() * clean[name]
        assert torch.allclose(told.losses.of_samples[name], velocity.square().flatten(1).mean(1), rtol=1e-4)
    assert torch.equal(watch.steps, steps)
    assert watch.sizes.tolist() == [[480, 640, 3, 5]] * 2
    assert torch.equal(watch.told["skeleton"], torch.nn.functional.pixel_unshuffle(batch["skeleton"], 2) * 2)


def test_depth_gets_the_statistics_of_rgb() -> None:
    batch = _batch(8)
    _, _, stage = _learn(batch, range(8))
    latents = stage.encoding.latents("depth", batch)
    rgb = stage.encoding.latents("rgb", batch)
    moved = stage.unet.normalise("depth", latents)
    assert torch.allclose(moved.mean((0, 2, 3)), rgb.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(moved.std((0, 2, 3)), rgb.std((0, 2, 3)), rtol=1e-4)


def _holed(junk: float) -> dict[str, Any]:
    """A batch of three whose depth is ``junk`` where it is not valid: in some places, nowhere, everywhere."""
    batch = _batch(3)
    valid = torch.ones(3, 1, 16, 16, dtype=torch.bool)
    valid[0, :, :7], valid[2] = False, False
    return {**batch, "depth": torch.where(valid, batch["depth"], junk), "depth_valid": valid}


def test_what_is_not_valid_is_not_learnt() -> None:
    clean, _, stage = _learn(_holed(0.0), range(3), dropout=0)
    junk, _, dirty = _learn(_holed(0.7), range(3), dropout=0)
    assert stage.unet.config.latent_statistics == dirty.unet.config.latent_statistics
    assert torch.equal(clean.losses.total, junk.losses.total)
    rgb, depth = clean.losses.of_samples["rgb"], clean.losses.of_samples["depth"]
    assert torch.equal(clean.losses.total, rgb.mean() + depth.mean())
    assert clean.losses.counted["depth"].tolist() == [True, True, False] and depth[2] == 0
    assert clean.losses.counted["rgb"].all()


def test_cells_that_are_not_valid_give_no_gradient() -> None:
    stage, given = StructureStage(tiny.settings(dropout=0), None, CPU), {}

    def guess(noised: Any, *rest: Any) -> StructuralUNetOutput:
        given.update({name: value.clone().requires_grad_() for name, value in noised.items()})
        return StructuralUNetOutput(sample=dict(given))

    stage.learn(guess, _holed(0.7), range(3)).losses.total.backward()  # type: ignore[arg-type]
    learnt = given["depth"].grad.ne(0).all(dim=1)
    assert not learnt[0, :4].any() and learnt[0, 4:].all() and learnt[1].all() and not learnt[2].any()
    assert given["rgb"].grad.ne(0).all()


def test_all_may_count() -> None:
    told, _, _ = _learn(_holed(0.7), range(3), dropout=0, masked_loss=False)
    grey, _, _ = _learn({**_holed(0.0), "depth_valid": None}, range(3), dropout=0)
    assert told.losses.counted["depth"].all() and torch.equal(told.losses.total, grey.losses.total)


def test_prompt_and_skeleton_are_dropped_together() -> None:
    count = 400
    _, watch, _ = _learn(_batch(count), range(count))
    gone = watch.told["skeleton"].flatten(1).eq(0).all(dim=1)
    assert 0.1 < float(gone.float().mean()) < 0.2
    with_prompt, without = watch.text[~gone], watch.text[gone]
    assert with_prompt.eq(with_prompt[0]).all() and without.eq(without[0]).all()
    assert not torch.allclose(with_prompt[0], without[0])


def test_each_ablation_is_a_setting() -> None:
    batch = _batch()
    _, watch, _ = _learn(batch, range(2), model__preset="own_timesteps", model__changes={"targets": ["rgb", "depth"]})
    assert not torch.equal(watch.steps["rgb"], watch.steps["depth"])
    _, _, stage = _learn(batch, range(2), noise={"prediction": "epsilon", "zero_terminal_snr": False})
    assert stage._scheduler.config.prediction_type == "epsilon" and not stage._scheduler.config.rescale_betas_zero_snr
    _, watch, stage = _learn(batch, range(2), model__preset="rgb")
    assert list(watch.noised) == ["rgb"] and stage.layers == ("pose",)
    changes = {"targets": ["rgb"], "replication": "half", "size_embedding_dim": 0, "conditions": []}
    _, watch, stage = _learn(batch, range(2), model__changes=changes)
    assert (stage.unet.size_embedding, watch.told, stage.layers) == (None, {}, ())


def test_a_new_target_is_one_entry() -> None:
    targets = ["rgb", {"name": "segmentation", "weight": 0.5}]
    ids = torch.randint(0, 5, (2, 1, 16, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    told, watch, stage = _learn({**_batch(), "segmentation": ids}, range(2), model__changes={"targets": targets})
    assert stage.layers == ("segmentation", "pose") and list(watch.noised) == ["rgb", "segmentation"]
    parts = [error.mean() for error in told.losses.of_samples.values()]
    assert torch.allclose(told.losses.total, parts[0] + 0.5 * parts[1])


def test_a_published_pipeline_is_a_beginning(people: str, tmp_path: Path) -> None:
    """Folders as Stable Diffusion has them: UNet, VAE, text encoder, tokenizer."""
    base = tmp_path / "sd"
    for name, part in {
        "unet": models.unet(models.SD2),
        "vae": models.vae(),
        "text_encoder": models.text_encoder(12),
        "tokenizer": models.tokenizer(),
    }.items():
        part.save_pretrained(base / name)
    own = {"model__unet": None, "model__vae": None, "model__text": None, "data__buckets": [64]}
    outcome = tiny.trained(people, tmp_path / "run", **own, model__base=str(base), samples=4)
    stage = StructureStage(tiny.settings(**own, model__base=str(base)), None, CPU)
    plain = models.unet(models.SD2)
    first = stage.unet.branches["depth"].conv_in.weight
    assert torch.equal(first[:, :4], plain.conv_in.weight) and first[:, 4:].eq(0).all()

    further = StructureStage(tiny.settings(**own, model__base=outcome.pipeline), None, CPU)
    ours = StructuralUNet.from_pretrained(Path(outcome.pipeline) / "unet")
    assert all(torch.equal(value, further.unet.state_dict()[name]) for name, value in ours.state_dict().items())
    assert further.unet.config.latent_statistics == ours.config.latent_statistics
    with pytest.raises(UserError, match="cannot change a structural model that is there"):
        changed = tiny.settings(**own, model__base=outcome.pipeline, model__changes={"replication": "half"})
        StructureStage(changed, None, CPU)


def test_parts_that_do_not_fit_are_told(tmp_path: Path) -> None:
    models.unet(models.SD2).save_pretrained(tmp_path / "unet")
    with pytest.raises(UserError, match="has in_channels 4, VAE and text encoder make 12: name fitting ones"):
        StructureStage(tiny.settings(model__unet=None, model__base=str(tmp_path)), None, CPU)
    with pytest.raises(UserError, match="has no folder vae: give a diffusers pipeline"):
        StructureStage(tiny.settings(model__vae=None, model__base=str(tmp_path)), None, CPU)
