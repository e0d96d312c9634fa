"""The schedule ends in noise alone, velocities are the formula's, and the sampler undoes what training does."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.model_presets import Noise
from humanverse.models.schedule import learnt, noised, scheduler_for
from tests.humanverse.models import tiny

EPSILON = Noise(prediction="epsilon", zero_terminal_snr=False)


def test_the_last_step_is_noise_alone() -> None:
    scheduler = scheduler_for()
    assert scheduler.alphas_cumprod[-1] == 0
    clean, noise = tiny.noise(2, 4, 3, 3), tiny.noise(2, 4, 3, 3, seed=1)
    assert torch.equal(noised(scheduler, clean, noise, torch.tensor([999, 999])), noise)
    assert scheduler_for(EPSILON).alphas_cumprod[-1] == pytest.approx(0.004660, abs=1e-5), "that of Stable Diffusion"


def test_the_betas_are_algorithm_1() -> None:
    """sqrt(alpha-bar) is shifted and scaled: its last value becomes 0, its first stays."""
    plain = scheduler_for(EPSILON).alphas_cumprod.double().sqrt()
    rescaled = scheduler_for().alphas_cumprod.double().sqrt()
    expected = (plain - plain[-1]) * plain[0] / (plain[0] - plain[-1])
    torch.testing.assert_close(rescaled, expected, atol=2e-5, rtol=0)


def test_velocity_is_the_formula() -> None:
    scheduler, steps = scheduler_for(), torch.tensor([0, 500, 999])
    clean, noise = tiny.noise(3, 4, 2, 2), tiny.noise(3, 4, 2, 2, seed=1)
    share = scheduler.alphas_cumprod[steps][:, None, None, None]
    torch.testing.assert_close(
        learnt(scheduler, clean, noise, steps), share.sqrt() * noise - (1 - share).sqrt() * clean
    )
    torch.testing.assert_close(
        noised(scheduler, clean, noise, steps), share.sqrt() * clean + (1 - share).sqrt() * noise
    )
    assert torch.equal(learnt(scheduler, clean, noise, steps)[2], -clean[2])


def test_epsilon_is_the_noise_and_needs_a_signal() -> None:
    clean, noise = tiny.noise(1, 4, 2, 2), tiny.noise(1, 4, 2, 2, seed=1)
    assert torch.equal(learnt(scheduler_for(EPSILON), clean, noise, torch.tensor([10])), noise)
    with pytest.raises(UserError, match="zero_terminal_snr=False"):
        scheduler_for(Noise(prediction="epsilon"))
    with pytest.raises(UserError, match="v_prediction, epsilon"):
        scheduler_for(Noise(prediction="sample"))


@pytest.mark.parametrize("noise", [Noise(), EPSILON], ids=["paper", "epsilon"])
@pytest.mark.parametrize("count", [5, 50])
def test_a_perfect_prediction_is_sampled_back_to_the_clean_latent(noise: Noise, count: int) -> None:
    scheduler = scheduler_for(noise)
    clean, drawn = tiny.noise(1, 4, 2, 2), tiny.noise(1, 4, 2, 2, seed=1)
    scheduler.set_timesteps(count)
    assert scheduler.timesteps[0] == 999 and scheduler.timesteps[-1] == 1000 // count - 1
    current = noised(scheduler, clean, drawn, scheduler.timesteps[:1])
    for step in scheduler.timesteps:
        prediction = learnt(scheduler, clean, drawn, step[None])
        current = scheduler.step(prediction, step, current).prev_sample
    torch.testing.assert_close(current, clean, atol=1e-4, rtol=0)
