"""The VAE of examples/tiny: what it sees, and that it learns, goes on and is saved as trained."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.datasets import make_dataset
from tests.humanverse.training import conftest

TINY = Path(__file__).parents[2] / "examples" / "tiny"
one_thread = conftest.one_thread


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(make_dataset(tmp_path_factory.mktemp("vae") / "people", 2, 4).url)


@pytest.fixture
def autoencoder(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(TINY))
    return importlib.import_module("autoencoder")


def plan(autoencoder: Any, steps: int) -> Any:
    pictures = ("rgb", "depth", "skeleton")
    return autoencoder.Plan(32, batch=2, steps=steps, widths=(8, 16), channels=3, pictures=pictures, told=10, kept=10)


def test_half_of_the_pictures_are_made_smaller_and_the_others_cut(autoencoder: Any) -> None:
    across = torch.arange(8.0).expand(4, 3, 8, 8)
    seen = autoencoder.varied(across, step=2)
    assert seen.shape == (4, 3, 4, 4)
    assert torch.equal(seen[0, 0, 0], torch.tensor([0.5, 2.5, 4.5, 6.5]))
    assert torch.equal(seen[2, 0, 0].diff(), torch.ones(3))
    assert torch.equal(seen, autoencoder.varied(across, step=2))


def test_each_picture_is_seen_in_both_ways_in_turn(autoencoder: Any) -> None:
    numbered = torch.arange(4.0)[:, None, None, None].expand(4, 3, 8, 8)
    for step, small in ((2, [0, 2]), (3, [1, 3])):
        assert autoencoder.varied(numbered, step)[:2, 0, 0, 0].tolist() == small


def test_colours_change_places(autoencoder: Any) -> None:
    hues = torch.tensor([0.1, 0.2, 0.3])[None, :, None, None].expand(2, 3, 4, 4)
    seen = [autoencoder.varied(hues, step)[:, :, 0, 0] for step in range(20)]
    assert all(torch.equal(one.sort(1).values, hues[:, :, 0, 0]) for one in seen)
    assert len({tuple(one[0].tolist()) for one in seen}) == 6


def test_it_learns_and_its_latents_have_a_deviation_of_1(autoencoder: Any, people: Path, tmp_path: Path) -> None:
    from diffusers import AutoencoderKL

    told: list[str] = []
    folder = autoencoder.train(people, None, tmp_path, plan(autoencoder, 60), "cpu", told.append)
    losses = [float(line.rpartition(" ")[2]) for line in told]
    assert len(losses) == 6 and losses[-1] < 0.7 * losses[0]
    vae = AutoencoderKL.from_pretrained(folder)
    again = autoencoder.Training(people, None, plan(autoencoder, 60), "cpu")
    again.vae.load_state_dict(vae.state_dict())
    assert again.scale() == pytest.approx(vae.config.scaling_factor, rel=0.3)
    assert autoencoder.train(people, None, tmp_path, plan(autoencoder, 60), "cpu", told.append) == folder
    assert len(told) == 6


def test_a_stopped_training_goes_on_to_the_same_weights(autoencoder: Any, people: Path, tmp_path: Path) -> None:
    class Stopped(Exception): ...

    def stop(line: str) -> None:
        if "step 20" in line:
            raise Stopped

    asked = plan(autoencoder, 30)
    whole = autoencoder.train(people, None, tmp_path / "whole", asked, "cpu", str)
    with pytest.raises(Stopped):
        autoencoder.train(people, None, tmp_path / "stopped", asked, "cpu", stop)
    assert torch.load(tmp_path / "stopped" / autoencoder.SAVED, weights_only=True)["step"] == 10
    gone_on = autoencoder.train(people, None, tmp_path / "stopped", asked, "cpu", str)
    name = "diffusion_pytorch_model.safetensors"
    assert (gone_on / name).read_bytes() == (whole / name).read_bytes()


def test_a_vae_that_was_half_written_is_not_taken_for_one(
    autoencoder: Any, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import AutoencoderKL

    def full(vae: Any, folder: Path) -> None:
        vae.save_config(folder)
        raise OSError("no space left")

    asked = plan(autoencoder, 10)
    with monkeypatch.context() as patch:
        patch.setattr(AutoencoderKL, "save_pretrained", full)
        with pytest.raises(OSError, match="no space"):
            autoencoder.train(people, None, tmp_path, asked, "cpu", str)
    folder = autoencoder.train(people, None, tmp_path, asked, "cpu", str)
    assert AutoencoderKL.from_pretrained(folder).config.latent_channels == 3
