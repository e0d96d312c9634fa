"""Pictures as latents and captions as states: those that a batch brings along, or else by VAE and text encoder.

Both compute in float32 whatever the run's precision is, as they do for layers and for ``generate``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from humanverse.loading.cached import KNOWN, LATENT, PROMPT
from humanverse.models.texts import states
from humanverse.training.pictures import filled


def exactly(device: torch.device) -> AbstractContextManager[Any]:
    """No autocast inside: what is computed on ``device`` has the precision of its weights."""
    return torch.autocast(device.type, enabled=False)


class Encoding:
    """The frozen parts of a stage that encode.

    Args:
        pictures: names of those of which the stage takes latents.
        vae: by which.
        text: encoder and tokenizer of the captions; None where their states are more than one encoder's last.
        device: where the stage is trained.
    """

    def __init__(self, pictures: Sequence[str], vae: Any, text: tuple[Any, Any] | None, device: torch.device) -> None:
        self.pictures, self.vae, self.text = tuple(pictures), vae, text
        self._device = device
        self._resting: list[nn.Module] = []
        self._is_awake = False
        self._nothing: torch.Tensor | None = None

    def rest(self, *parts: nn.Module) -> None:
        """Keep ``parts`` on the CPU but for when they are needed: batches bring what they would say."""
        self._resting = list(parts)
        for one in parts:
            one.to("cpu")

    @contextmanager
    def awake(self) -> Iterator[None]:
        """All parts are on the device meanwhile."""
        if self._is_awake:
            yield
            return
        self._is_awake = True
        for one in self._resting:
            one.to(self._device)
        try:
            yield
        finally:
            self._is_awake = False
            for one in self._resting:
                one.to("cpu")

    def latents(self, name: str, batch: Mapping[str, Any]) -> torch.Tensor:
        """Scaled latents of picture ``name``, float32, the middle of what the VAE says.

        Args:
            batch: of a loader, on the device.
        """
        found = batch.get(f"{LATENT}_{name}")
        if found is None:
            with self.awake(), exactly(self._device):
                found = self.vae.encode(filled(name, batch).to(self.vae.dtype)).latent_dist.mode()
        scaled: torch.Tensor = found.float() * self.vae.config.scaling_factor
        return scaled

    def captions(self, batch: Mapping[str, Any], kept: torch.Tensor) -> torch.Tensor:
        """States of the batch's captions, of the empty prompt where a caption is not ``kept``: float32 (batch, tokens, width).

        Args:
            batch: of a loader, on the device.
            kept: bool (batch,).
        """
        if PROMPT in batch:
            shown = batch[KNOWN] & kept.to(batch[KNOWN].device)
            return torch.where(shown[:, None, None], batch[PROMPT].float(), self._of_nothing())
        return self._states([text if keep else "" for text, keep in zip(batch["captions"], kept.tolist(), strict=True)])

    def _of_nothing(self) -> torch.Tensor:
        """States of the empty prompt, (1, tokens, width)."""
        if self._nothing is None:
            self._nothing = self._states([""])
        return self._nothing

    def _states(self, prompts: Sequence[str]) -> torch.Tensor:
        assert self.text is not None
        with self.awake(), exactly(self._device):
            return states(*self.text, prompts, self._device).float()
