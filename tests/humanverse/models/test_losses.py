"""The loss, by hand: a weighted sum over targets, and what is told by timestep."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.losses import by_band, denoising_loss
from tests.humanverse.models.tiny import noise


def test_it_is_the_weighted_sum_of_the_targets_mean_squares() -> None:
    wanted = {"rgb": torch.zeros(2, 1, 1, 2), "depth": torch.ones(2, 1, 1, 2)}
    predicted = {"rgb": torch.tensor([[1.0, 3.0], [0.0, 0.0]]).reshape(2, 1, 1, 2), "depth": torch.zeros(2, 1, 1, 2)}
    losses = denoising_loss(predicted, wanted)
    assert losses.of_samples["rgb"].tolist() == [5.0, 0.0] and losses.of_samples["depth"].tolist() == [1.0, 1.0]
    assert losses.total.item() == 2.5 + 1.0
    assert denoising_loss(predicted, wanted, {"depth": 0.5}).total.item() == 2.5 + 0.5


def test_gradients_flow_through_the_total_alone_and_halves_are_summed_in_single_precision() -> None:
    predicted = noise(2, 4, 3, 3).bfloat16().requires_grad_()
    losses = denoising_loss({"rgb": predicted}, {"rgb": noise(2, 4, 3, 3, seed=1)})
    assert losses.total.dtype == torch.float32 and not losses.of_samples["rgb"].requires_grad
    losses.total.backward()
    assert predicted.grad is not None and predicted.grad.abs().sum() > 0


def test_other_targets_or_shapes_are_told() -> None:
    with pytest.raises(UserError, match="Predicted are rgb, wanted are depth"):
        denoising_loss({"rgb": torch.zeros(1)}, {"depth": torch.zeros(1)})
    with pytest.raises(UserError, match=r"'rgb' have shapes \(1, 4\) and \(1, 1\)"):
        denoising_loss({"rgb": torch.zeros(1, 4)}, {"rgb": torch.zeros(1, 1)})


def test_bands_are_equal_parts_and_add_up() -> None:
    errors = {"rgb": torch.tensor([1.0, 2.0, 3.0, 5.0])}
    bands = by_band(errors, {"rgb": torch.tensor([0, 249, 250, 999])})
    assert bands.counts["rgb"].tolist() == [2, 1, 0, 1]
    assert bands.means()["rgb"][[0, 1, 3]].tolist() == [1.5, 3.0, 5.0] and bands.means()["rgb"][2].isnan()
    twice = bands + by_band({"rgb": torch.tensor([7.0])}, {"rgb": torch.tensor([500])})
    assert twice.means()["rgb"].tolist() == [1.5, 3.0, 7.0, 5.0]
