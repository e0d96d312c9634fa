"""What the losses are blind to, and what they are not."""

from __future__ import annotations

import math

import pytest
import torch

from pipelines.lite_structure.losses import (
    WEIGHTS,
    chord_loss,
    cosine_loss,
    depth_loss,
    gradient_loss,
    losses,
    standardised,
    total,
)

SHAPE = (2, 8, 8)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def known() -> torch.Tensor:
    made = torch.zeros(SHAPE, dtype=torch.bool)
    made[:, 1:7, 2:6] = True
    return made


@pytest.mark.parametrize("degrees", [0.0, 60.0, 180.0])
def test_losses_of_normals_go_with_their_angle(degrees: float) -> None:
    angle = math.radians(degrees)
    said = torch.tensor([math.sin(angle), 0.0, math.cos(angle)]).view(1, 3, 1, 1).expand(2, 3, 8, 8)
    true = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(2, 3, 8, 8)
    assert float(cosine_loss(said, true, known())) == pytest.approx(1 - math.cos(angle), abs=1e-6)
    assert float(chord_loss(said, true, known())) == pytest.approx(2 * math.sin(angle / 2), abs=5e-3)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (7.0, -3.0), (0.05, 100.0)])
def test_scale_and_shift_of_a_depth_cost_nothing(scale: float, shift: float, generator: torch.Generator) -> None:
    true = torch.rand(SHAPE, generator=generator, dtype=torch.float64) + 2
    apart = standardised(scale * true + shift, known()) - standardised(true, known())
    assert float(depth_loss(apart, known())) < 1e-9


def test_a_depth_with_less_than_the_least_spread_is_not_blown_up(generator: torch.Generator) -> None:
    noise = 0.01 * torch.rand(SHAPE, generator=generator)
    assert float(standardised(noise, known(), 0.5).abs().max()) < 0.03


def test_a_depth_that_is_the_wrong_way_round_costs_most(generator: torch.Generator) -> None:
    true = torch.rand(SHAPE, generator=generator)
    apart = standardised(-true, known()) - standardised(true, known())
    assert float(depth_loss(apart, known())) == pytest.approx(2, abs=0.02)


def test_pixels_without_truth_cost_nothing(generator: torch.Generator) -> None:
    true = torch.rand(SHAPE, generator=generator)
    said = torch.where(known(), true, torch.full(SHAPE, 1e3))
    apart = standardised(said, known()) - standardised(true, known())
    assert float(depth_loss(apart, known())) == 0 and float(gradient_loss(apart, known())) == 0
    nothing = torch.zeros(SHAPE, dtype=torch.bool)
    vectors = torch.rand((2, 3, 8, 8), generator=generator)
    assert float(cosine_loss(vectors, -vectors, nothing)) == float(chord_loss(vectors, -vectors, nothing)) == 0


def test_the_gradient_loss_sees_edges_and_no_offsets() -> None:
    flat, step = torch.full(SHAPE, 5.0), torch.zeros(SHAPE)
    step[:, :, 4:] = 1
    assert float(gradient_loss(flat, known())) == 0 and float(gradient_loss(step, known())) > 0.2


def test_truth_itself_has_the_least_loss(generator: torch.Generator) -> None:
    normal = torch.nn.functional.normalize(torch.randn((2, 3, 8, 8), generator=generator), dim=1)
    true = {"depth": torch.rand(SHAPE, generator=generator) + 1, "normal": normal, "people": known(), "known": known()}
    mask = torch.where(known(), 20.0, -20.0)
    best = losses(torch.cat([9 * true["depth"][:, None], normal, mask[:, None]], dim=1), true)
    worse = losses(torch.cat([-true["depth"][:, None], -normal, -mask[:, None]], dim=1), true)
    assert best.keys() == WEIGHTS.keys()
    assert all(float(part) < 5e-3 for part in best.values()) and all(float(part) > 0.5 for part in worse.values())
    assert float(total(worse)) == pytest.approx(sum(WEIGHTS[name] * float(part) for name, part in worse.items()))
