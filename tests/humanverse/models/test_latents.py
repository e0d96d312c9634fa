"""Latents of depth and normal get the mean and deviation of RGB's, and get their own back."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.latents import Measure, Statistics, for_channels, match, unmeasured
from tests.humanverse.models.tiny import noise


def _batches() -> list[dict[str, torch.Tensor]]:
    scale = torch.tensor([0.1, 1.0, 3.0, 10.0])[:, None, None]
    return [
        {"rgb": noise(3, 4, 5, 6, seed=seed), "depth": 2 + scale * noise(3, 4, 5, 6, seed=seed + 10)}
        for seed in range(3)
    ]


def _measured(batches: list[dict[str, torch.Tensor]], name: str) -> Statistics:
    counted = Measure(4)
    for batch in batches:
        counted.add(batch[name])
    return counted.result(name)


def test_the_statistics_are_those_of_all_values_together() -> None:
    batches = _batches()
    for name in ("rgb", "depth"):
        values = torch.cat([batch[name] for batch in batches]).double().transpose(0, 1).flatten(1)
        measured = _measured(batches, name)
        assert measured.mean == pytest.approx(values.mean(1).tolist(), abs=1e-12)
        assert measured.std == pytest.approx(values.std(1, correction=0).tolist(), rel=1e-9)


def test_sums_of_two_processes_are_added() -> None:
    first, second, together = Measure(4), Measure(4), Measure(4)
    for place, batch in enumerate(_batches()):
        (first if place % 2 else second).add(batch["depth"])
        together.add(batch["depth"])
    first.sums += second.sums
    torch.testing.assert_close(first.sums, together.sums)


def test_normalised_latents_have_the_references_spread_and_come_back() -> None:
    batches = _batches()
    measured = {name: _measured(batches, name) for name in ("rgb", "depth")}
    moved = [{"depth": match(batch["depth"], measured["depth"], measured["rgb"])} for batch in batches]
    assert _measured(moved, "depth").mean == pytest.approx(measured["rgb"].mean, abs=1e-5)
    assert _measured(moved, "depth").std == pytest.approx(measured["rgb"].std, rel=1e-5)
    back = match(moved[0]["depth"], measured["rgb"], measured["depth"])
    torch.testing.assert_close(back, batches[0]["depth"], atol=1e-5, rtol=1e-5)


def test_equal_statistics_change_no_bit_and_halves_stay_halves() -> None:
    latent = noise(1, 2, 3, 3)
    assert match(latent, unmeasured(2), unmeasured(2)) is latent
    assert match(latent.bfloat16(), unmeasured(2), Statistics([1, 1], [2, 2])).dtype == torch.bfloat16


def test_a_target_with_other_channels_gets_the_average() -> None:
    assert for_channels(Statistics([1, 3], [2, 4]), 3) == Statistics([2, 2, 2], [3, 3, 3])


def test_wrong_channels_are_told() -> None:
    with pytest.raises(UserError, match=r"\(1, 3, 2, 2\).*\(batch, 4"):
        match(torch.zeros(1, 3, 2, 2), unmeasured(4), Statistics([0] * 4, [2] * 4))


@pytest.mark.parametrize(
    "latent", [torch.zeros(1, 4, 2, 2), torch.full((1, 4, 2, 2), torch.nan), torch.zeros(0, 4, 2, 2)]
)
def test_what_cannot_be_normalised_is_told(latent: torch.Tensor) -> None:
    with pytest.raises(UserError, match="'depth' cannot be normalised"):
        _measured([{"depth": latent}], "depth")
