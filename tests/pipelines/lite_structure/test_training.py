"""A small run: it learns, goes on from its checkpoint to the same bits, and its network is the same as ONNX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from annotators.engines import onnx_session
from annotators.structure.inputs import CHANNELS, SIDE
from humanverse.errors import UserError
from pipelines.lite_structure.examples import paths
from pipelines.lite_structure.export import averaged_network, export_run, exported
from pipelines.lite_structure.held_out import views
from pipelines.lite_structure.scores import network_scores
from pipelines.lite_structure.training import Settings, Training, train
from tests.pipelines.lite_structure.balls import cache

SETTINGS = Settings(steps=12, stages=((0.5, 32, 4), (0.5, 64, 2)))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine threads wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def balls(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return cache(tmp_path_factory.mktemp("balls"), 6)


@pytest.fixture(scope="module")
def run(balls: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, float]]]:
    """A run of 12 steps, and what it told."""
    folder, figures = tmp_path_factory.mktemp("run"), []
    train(balls, folder, SETTINGS, workers=0, every=3, device="cpu", told=lambda said, _: figures.append(said))
    return folder, figures


def test_some_steps_lower_the_loss(run: tuple[Path, list[dict[str, float]]]) -> None:
    _, figures = run
    assert [said["step"] for said in figures] == [3, 6, 9, 12]
    assert figures[-1]["cosine"] < 0.8 * figures[0]["cosine"] and figures[-1]["mask"] < figures[0]["mask"]


def test_a_run_that_was_stopped_ends_with_the_same_bits(
    balls: list[Path], run: tuple[Path, list[dict[str, float]]], tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    def stop(said: dict[str, float], training: Training) -> None:
        if training.step == 6:
            raise Stopped

    with pytest.raises(Stopped):
        train(balls, tmp_path, SETTINGS, workers=0, every=3, device="cpu", told=stop)
    train(balls, tmp_path, SETTINGS, workers=0, every=3, device="cpu")
    one, other = (torch.load(folder / "last.pt", weights_only=True) for folder in (run[0], tmp_path))
    assert one["step"] == other["step"] == 12
    for part in ("network", "averaged"):
        for name, values in one[part].items():
            assert torch.equal(values, other[part][name]), (part, name)


def test_a_run_is_not_gone_on_with_by_other_settings(
    run: tuple[Path, list[dict[str, float]]], balls: list[Path]
) -> None:
    with pytest.raises(UserError, match="holds a run of other settings"):
        train(balls, run[0], Settings(steps=17), workers=0, device="cpu")


def test_stages_and_rates_follow_each_other() -> None:
    settings = Settings(steps=100)
    sides = [settings.stage(step) for step in (0, 29, 30, 54, 55, 99)]
    assert sides == [(96, 32)] * 2 + [(128, 24)] * 2 + [(192, 12)] * 2
    rates = [settings.rate_at(step) for step in range(100)]
    assert max(rates) == pytest.approx(settings.rate) and rates[0] < rates[2] and rates[-1] < 0.01 * settings.rate
    with pytest.raises(UserError, match="multiples of 32"):
        Settings(stages=((1.0, 100, 8),))


def test_the_onnx_file_says_what_the_network_says(run: tuple[Path, list[dict[str, float]]], tmp_path: Path) -> None:
    network = averaged_network(run[0])
    shown = np.random.default_rng(0).normal(0, 1, (2, CHANNELS, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        there = network(torch.from_numpy(shown)).numpy()
    whole = tmp_path / "whole.onnx"
    whole.write_bytes(exported(network, halves=False))
    (here,) = onnx_session(whole).run(None, {"input": shown})
    np.testing.assert_allclose(here, there, atol=1e-4, rtol=1e-4)
    half = tmp_path / "half.onnx"
    export_run(run[0], half)
    (rounded,) = onnx_session(half).run(None, {"input": shown})
    np.testing.assert_allclose(rounded, there, atol=0.02, rtol=0.01)
    assert half.stat().st_size < 0.55 * whole.stat().st_size


def test_figures_of_a_network_are_those_of_its_views(balls: list[Path]) -> None:
    shown = views(balls[:2], 64)
    true = {one.input.tobytes(): one for one in shown}

    def knows(inputs: np.ndarray) -> np.ndarray:
        view = true[inputs[0].tobytes()]
        mask = np.where(view.people, 9.0, -9.0)
        return np.concatenate([5 * view.depth[None] - 1, view.normal, mask[None]])[None]

    found = network_scores(shown, knows)
    assert found.normal_median_deg < 1e-3 and found.depth_delta1 == 1 and found.mask_iou == found.covered == 1
    half = network_scores(shown, lambda inputs: knows(inputs) * np.array([-1, 1, 1, 1, 1]).reshape(5, 1, 1))
    assert half.depth_abs_rel > found.depth_abs_rel


def test_there_must_be_examples_and_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no examples in it"):
        paths(tmp_path)
    with pytest.raises(UserError, match="has no checkpoint"):
        averaged_network(tmp_path)
