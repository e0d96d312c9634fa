"""Noise and timesteps depend on seed, sample and target, and on nothing else."""

from __future__ import annotations

import torch

from humanverse.training.chance import noise_for, steps_for

CPU = torch.device("cpu")


def _noise(numbers: range, *names: str, seed: int = 0) -> dict[str, torch.Tensor]:
    return noise_for(seed, numbers, {name: torch.zeros(len(numbers), 4, 8, 8) for name in names})


def test_noise_is_of_the_sample_not_of_the_batch() -> None:
    whole = _noise(range(6), "rgb", "depth")
    parts = [_noise(range(3), "rgb"), _noise(range(3, 6), "rgb")]
    assert torch.equal(whole["rgb"], torch.cat([part["rgb"] for part in parts]))


def test_noise_differs_between_samples_targets_and_seeds() -> None:
    found = _noise(range(2), "rgb", "depth")
    kinds = [found["rgb"][0], found["rgb"][1], found["depth"][0], _noise(range(1), "rgb", seed=1)["rgb"][0]]
    together = torch.corrcoef(torch.stack([kind.flatten() for kind in kinds]))
    assert (together - torch.eye(4)).abs().max() < 0.2


def test_noise_has_the_shape_of_each_target_s_latents_and_full_precision() -> None:
    clean = {"rgb": torch.zeros(2, 4, 3, 3), "parts": torch.zeros(2, 6, 3, 3).bfloat16()}
    drawn = noise_for(0, range(2), clean)
    assert drawn["parts"].shape == (2, 6, 3, 3) and drawn["parts"].dtype == torch.float32
    assert not torch.equal(drawn["rgb"], drawn["parts"][:, :4])


def test_noise_is_standard_normal() -> None:
    values = _noise(range(200), "rgb")["rgb"]
    assert abs(float(values.mean())) < 0.02 and abs(float(values.std()) - 1) < 0.02


def test_timesteps_are_uniform_and_shared() -> None:
    found = steps_for(0, range(4000), ["rgb", "depth"], False, CPU)
    assert found["rgb"] is found["depth"]
    assert torch.histc(found["rgb"].float(), 10, 0, 1000).sub(400).abs().max() < 100
    assert found["rgb"].dtype == torch.int64 and found["rgb"].min() >= 0 and found["rgb"].max() <= 999


def test_own_timesteps_are_unrelated() -> None:
    found = steps_for(0, range(1000), ["rgb", "depth"], True, CPU)
    both = torch.stack([found["rgb"], found["depth"]]).double()
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.1
