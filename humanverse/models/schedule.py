"""The noise schedule: how latents are noised for training, what the network predicts, and the sampler that undoes it.

Stable Diffusion's schedule ends with a little of the picture left. Rescaled by algorithm 1 of Lin et al. (arXiv 2305.08891) its
last step is noise alone: the signal's share alpha-bar is 0. The network then predicts the velocity v = sqrt(alpha-bar) noise -
sqrt(1 - alpha-bar) x (Salimans and Ho, arXiv 2202.00512), since nothing is learnt from telling noise from itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from diffusers import DDIMScheduler

from humanverse.errors import UserError
from humanverse.model_presets import Noise

STEPS = 1000
"""Timesteps of training."""


def scheduler_for(noise: Noise = Noise()) -> DDIMScheduler:
    """The schedule of ``noise``, for training and for sampling alike.

    Sampling starts at the last training step ("trailing" spacing, Lin et al., section 3.3) and ends at the clean latent.
    Numbers of sampling steps that divide 1000 visit exactly the steps that DDIM's formula assumes; others are off by at most one.

    Raises:
        UserError: for an unknown prediction, or one of noise where the last step is noise alone.
    """
    if noise.prediction not in PREDICTIONS:
        raise UserError(f"There is no prediction {noise.prediction!r}: choose one of {', '.join(PREDICTIONS)}.")
    if noise.zero_terminal_snr and noise.prediction == "epsilon":
        raise UserError(
            "Noise cannot be predicted where the last step is noise alone: use v_prediction or zero_terminal_snr=False."
        )
    return DDIMScheduler(
        num_train_timesteps=STEPS,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        rescale_betas_zero_snr=noise.zero_terminal_snr,
        prediction_type=noise.prediction,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def _velocity(scheduler: DDIMScheduler, clean: torch.Tensor, noise: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    return scheduler.get_velocity(clean, noise, steps)


def _noise_itself(
    scheduler: DDIMScheduler, clean: torch.Tensor, noise: torch.Tensor, steps: torch.Tensor
) -> torch.Tensor:
    return noise


PREDICTIONS: Mapping[str, Callable[[DDIMScheduler, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "v_prediction": _velocity,
    "epsilon": _noise_itself,
}
"""What the network learns to predict, from the clean latent, the noise and the timestep."""


def noised(scheduler: DDIMScheduler, clean: torch.Tensor, noise: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """sqrt(alpha-bar) ``clean`` + sqrt(1 - alpha-bar) ``noise``, in single precision; ``steps`` is (batch,)."""
    return scheduler.add_noise(clean.float(), noise.float(), steps)


def learnt(scheduler: DDIMScheduler, clean: torch.Tensor, noise: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """What the network is to predict for this noised latent, in single precision."""
    return PREDICTIONS[scheduler.config.prediction_type](scheduler, clean.float(), noise.float(), steps)
