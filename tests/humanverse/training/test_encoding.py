"""What encodes is as exact in a run of any precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from humanverse.training import parts
from humanverse.training.encoding import Encoding
from humanverse.training.refiner import RefinerStage
from tests.humanverse.models import tiny as models
from tests.humanverse.training import test_refiner, tiny

CPU = torch.device("cpu")


@pytest.fixture
def encoding() -> Encoding:
    text = parts.frozen(models.text_encoder(8), CPU), models.tokenizer()
    return Encoding(["rgb"], parts.frozen(models.vae(), CPU), text, CPU)


def _said(encoding: Encoding) -> list[torch.Tensor]:
    batch: dict[str, Any] = {"image": models.noise(1, 3, 16, 16), "captions": ["one person"]}
    return [encoding.latents("rgb", batch), encoding.captions(batch, torch.tensor([True]))]


def test_latents_and_states_have_the_same_bits_under_autocast(encoding: Encoding) -> None:
    exact = _said(encoding)
    with torch.autocast("cpu", torch.bfloat16):
        assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype == torch.bfloat16
        mixed = _said(encoding)
    for one, other in zip(exact, mixed, strict=True):
        assert one.dtype == other.dtype == torch.float32 and torch.equal(one, other)


def test_stage_2_is_told_text_as_exactly() -> None:
    stage, batch = RefinerStage(tiny.settings(**test_refiner.SCRATCH, dropout=0), None, CPU), test_refiner._batch(2)
    seen: list[Any] = []

    def model(noised: Any, steps: Any, text: Any, maps: Any, added: Any) -> torch.Tensor:
        seen.append((text, added["text_embeds"], noised))
        return torch.as_tensor(noised)

    stage.learn(model, batch, range(2))  # type: ignore[arg-type]
    with torch.autocast("cpu", torch.bfloat16):
        stage.learn(model, batch, range(2))  # type: ignore[arg-type]
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))
