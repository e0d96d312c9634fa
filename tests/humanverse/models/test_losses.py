"""The loss, by hand: a weighted sum over targets, and what is told by timestep."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.losses import Losses, by_band, denoising_loss
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


def test_what_is_not_valid_is_left_out() -> None:
    wanted = {"rgb": torch.zeros(3, 2, 1, 2), "depth": torch.zeros(3, 2, 1, 2)}
    predicted = {"rgb": torch.ones(3, 2, 1, 2), "depth": torch.tensor([[1.0, 9.0, 3.0, 9.0]] * 3).reshape(3, 2, 1, 2)}
    valid = torch.tensor([[True, False], [True, True], [False, False]]).reshape(3, 1, 1, 2)
    losses = denoising_loss(predicted, wanted, valid={"depth": valid})
    assert losses.of_samples["depth"].tolist() == [5.0, 43.0, 0.0]
    assert losses.counted["depth"].tolist() == [True, True, False] and losses.counted["rgb"].all()
    assert losses.total.item() == 1.0 + 48 / 3
    assert losses.means()["depth"].item() == 24.0


def test_where_all_is_valid_no_bit_changes() -> None:
    predicted, wanted = {"rgb": noise(3, 4, 5, 7)}, {"rgb": noise(3, 4, 5, 7, seed=1)}
    all_valid = {"rgb": torch.ones(3, 1, 5, 7, dtype=torch.bool)}
    assert torch.equal(
        denoising_loss(predicted, wanted).total, denoising_loss(predicted, wanted, valid=all_valid).total
    )


def _told(errors: list[float], counted: list[bool] | None = None) -> Losses:
    kept = torch.tensor(counted or [True] * len(errors))
    return Losses(torch.tensor(0.0), {"rgb": torch.tensor(errors)}, {"rgb": kept})


def test_bands_are_equal_parts_and_add_up() -> None:
    bands = by_band(_told([1.0, 2.0, 3.0, 5.0]), {"rgb": torch.tensor([0, 249, 250, 999])})
    assert bands.counts["rgb"].tolist() == [2, 1, 0, 1]
    assert bands.means()["rgb"][[0, 1, 3]].tolist() == [1.5, 3.0, 5.0] and bands.means()["rgb"][2].isnan()
    twice = bands + by_band(_told([7.0, 0.0], counted=[True, False]), {"rgb": torch.tensor([500, 0])})
    assert twice.means()["rgb"].tolist() == [1.5, 3.0, 7.0, 5.0]
