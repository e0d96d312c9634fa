"""The benchmark of training: operations are counted right, a run's log is read right, and what is told holds the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import train, train_step, train_wait
from benchmarks.estimator_speed import Machine
from benchmarks.train_step import Place, Size, Work
from humanverse.errors import UserError
from humanverse.model_presets import SD2_BASE, SDXL_BASE

SMALL = Size(width=64, side=64, batch=1)


@pytest.mark.parametrize("config", [SD2_BASE, SDXL_BASE])
def test_the_real_width_is_the_real_backbone(config: dict[str, object]) -> None:
    made = train_step.scaled(config, train_step.FULL_WIDTH)
    as_lists = {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in made.items()} == as_lists


def test_operations_are_those_of_matrix_products_forward_and_backward() -> None:
    network, given = nn.Linear(5, 7, device="meta"), torch.zeros(3, 5, device="meta")
    of_a_product = 2 * 3 * 5 * 7
    assert train_step.operations(Work(network, lambda: network(given).sum())) == 2 * of_a_product  # output, weights
    entered = given.clone().requires_grad_(True)
    assert train_step.operations(Work(network, lambda: network(entered).sum())) == 3 * of_a_product


def test_attention_counts() -> None:
    asked = torch.zeros(1, 2, 6, 4, requires_grad=True)
    work = Work(nn.Identity(), lambda: nn.functional.scaled_dot_product_attention(asked, asked, asked).sum())
    of_a_product = 2 * 2 * 6 * 6 * 4
    assert train_step.operations(work) == 2 * 3 * of_a_product


def test_three_branches_cost_less_than_three_networks() -> None:
    assert 1 < train_step.ratio_of_operations("structure", SMALL) < 3


@pytest.mark.slow
def test_a_frozen_network_with_a_trained_encoder_costs_less_than_two_that_are_trained() -> None:
    assert 0.5 < train_step.ratio_of_operations("refiner", SMALL) < 2


def test_one_turn_is_its_own_median() -> None:
    found = train_step.timed("structure", SMALL, Place("cpu"), repeat=1, warm_up=0)
    assert found.ratio == found.ours / found.plain > 0


def test_the_first_steps_are_not_counted() -> None:
    lines = [{"wait": 1.0, "samples_per_second": 0.1}] * train_wait.BEGINNING
    lines += [{"wait": 0.5, "samples_per_second": 4.0}, {"wait": 0.0, "samples_per_second": 4 / 3}]
    found = train_wait.of_log(lines, batch=4)
    assert (found.share, found.samples_per_s, found.steps) == pytest.approx((0.125, 2.0, 2))


def test_the_trainer_says_how_long_it_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_wait, "PICTURES", 4)
    dataset = train_wait.people(tmp_path / "people", 64)
    found = train_wait.waited(dataset, tmp_path / "run", train_wait.settings(SMALL, "no"), "cpu", steps=4)
    assert found.steps == 4 - train_wait.BEGINNING
    assert 0 <= found.share < 1
    assert not list((tmp_path / "run").rglob("*.safetensors"))


FIGURES = {
    "structure_ms": 180.0,
    "structure_plain_ms": 100.0,
    "structure_time_ratio": 1.8,
    "structure_flop_ratio": 1.766,
    "structure_vs_ideal": 1.019,
    "step_vs_ideal": 1.019,
    "data_wait": 0.0123,
    "train_samples_per_s": 4.5,
    "train_steps": 14.0,
}


def test_a_page_has_a_section_for_each_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "figures", lambda parts, asked: FIGURES)
    page = tmp_path / "train.md"
    for name in ("Calculator", "Abacus", "Abacus"):
        machine = Machine(name, "cpu", 1)
        monkeypatch.setattr(Machine, "here", lambda device, threads, machine=machine: machine)
        given = ["--threads", str(torch.get_num_threads()), "--write", str(page), "--json"]
        assert train.main(given) == 0
    text = page.read_text()
    assert text.count("## Abacus") == text.count("## Calculator") == 1
    assert "| structure | 64, 256², 2 | 180 | 100 | 1.800 | 1.766 | 1.019 |" in text
    assert "Waiting for data: 1.23% of 14 steps' time, at 4.50 samples/s." in text
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == FIGURES


@pytest.mark.parametrize("given", [["--size", "100"], ["--width", "0"], ["--steps", "2"]])
def test_numbers_that_cannot_be_are_one_line(given: list[str]) -> None:
    with pytest.raises(UserError, match=f"{given[0]} {given[1]}"):
        train.asked_of(train.parsed(given), Machine("Abacus", "cpu", 1))
