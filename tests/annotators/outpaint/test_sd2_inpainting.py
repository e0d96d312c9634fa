"""Stable Diffusion inpainting: the real pipeline with tiny networks, and at full size."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.outpaint.canvas import Canvas
from annotators.outpaint.sd2_inpainting import Sd2Inpainting, with_few_steps
from annotators.outpaint.shelf import name_of
from annotators.weights import WeightError, standing_in
from humanverse.storage import Store
from tests.annotators import stable_diffusion
from tests.annotators.outpaint.fakes import picture
from tests.annotators.outpaint.tiny import tiny

SMALL = {"side": 64, "steps": 2}
UIDS = ["1a" * 16, "2b" * 16, "3c" * 16]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("tiny") / "made")


def loaded(model: Path, files: Store | None = None, **settings: Any) -> Sd2Inpainting:
    weights = standing_in(Sd2Inpainting.card.weights, model)
    made = Sd2Inpainting(Sd2Inpainting.Settings(**{**SMALL, **settings}), "cpu", weights, files)
    made.load()
    return made


def margin(canvas: Canvas) -> np.ndarray:
    """The canvas with the picture taken out."""
    x0, y0, x1, y1 = canvas.frame.box
    empty = canvas.rgb.copy()
    empty[y0:y1, x0:x1] = 0
    return empty


def test_the_picture_is_on_its_canvas_bit_for_bit_and_the_margins_are_painted(model: Path) -> None:
    pictures = [picture(*size, uid) for size, uid in zip([(90, 61), (1, 1), (40, 200)], UIDS, strict=True)]
    for one, canvas in zip(pictures, loaded(model).grown(pictures), strict=True):
        x0, y0, x1, y1 = canvas.frame.box
        np.testing.assert_array_equal(canvas.rgb[y0:y1, x0:x1], one.rgb)
        assert canvas.rgb.shape == (*canvas.frame.canvas[::-1], 3)
    (canvas, *_) = loaded(model).grown(pictures[:1])
    assert margin(canvas)[-20:].std() > 1


def test_a_canvas_depends_on_picture_uid_and_seed_alone(model: Path) -> None:
    pictures = [picture(90, 61, uid) for uid in UIDS]
    together = loaded(model, batch_size=8).grown(pictures)
    alone = loaded(model).grown(pictures[1:2])[0]
    differences = np.abs(alone.rgb.astype(int) - together[1].rgb)
    assert differences.max() <= 1, "a batch of another size changes rounding alone"
    again = loaded(model).grown([picture(90, 61, UIDS[1])])[0]
    np.testing.assert_array_equal(again.rgb, alone.rgb)
    assert (margin(loaded(model, seed=1).grown(pictures[1:2])[0]) != margin(alone)).any()
    same_pixels = picture(90, 61, UIDS[1])
    same_pixels.uid = UIDS[2]
    assert (margin(loaded(model).grown([same_pixels])[0]) != margin(alone)).any()


def test_nothing_is_painted_without_margins(model: Path) -> None:
    made = loaded(model, left=0, top=0, right=0, bottom=0)
    made._pipeline = None
    one = picture(33, 21)
    (canvas,) = made.grown([one])
    assert canvas.frame.same
    np.testing.assert_array_equal(canvas.rgb, one.rgb)


class Counting:
    """A pipeline that paints what it is told to, and notes what it was shown."""

    def __init__(self) -> None:
        self.asked: list[SimpleNamespace] = []

    def __call__(self, **asked: Any) -> Any:
        self.asked.append(SimpleNamespace(**asked))
        shape = (len(asked["image"]), asked["height"], asked["width"], 3)
        return SimpleNamespace(images=np.full(shape, 0.2, np.float32))


def test_each_picture_is_painted_once_for_all_layers_and_processes(model: Path, tmp_path: Path) -> None:
    pictures = [picture(90, 61, uid) for uid in UIDS]
    first = loaded(model, Store(tmp_path / "kept"), batch_size=2)
    first._pipeline = counting = Counting()
    canvases = [first.grown(pictures), first.grown(pictures)]
    assert [len(asked.image) for asked in counting.asked] == [2, 1]
    second = loaded(model, Store(tmp_path / "kept"), batch_size=1)
    second._pipeline = None
    canvases.append(second.grown(pictures))
    for one, two, three in zip(*canvases, strict=True):
        np.testing.assert_array_equal(one.rgb, two.rgb)
        np.testing.assert_array_equal(one.rgb, three.rgb)
        assert (margin(one)[one.rgb.shape[0] - 1] == 51).all()
    assert {path.stem for path in (tmp_path / "kept").rglob("*.png")} == {*map(name_of, pictures)}
    third = loaded(model, Store(tmp_path / "kept"), steps=3)
    third._pipeline = counting = Counting()
    third.grown(pictures)
    assert len(counting.asked) == 3, "what was painted with other settings is no use"


def test_a_sample_that_is_stored_otherwise_is_painted_anew(model: Path, tmp_path: Path) -> None:
    """As in a dataset of other sizes beside the same cache, or once its faces are blurred."""
    one, other = picture(90, 61, UIDS[0]), picture(90, 61, UIDS[1])
    other.uid = one.uid
    alone = loaded(model).grown([other])[0]
    loaded(model, Store(tmp_path / "kept")).grown([one])
    kept = loaded(model, Store(tmp_path / "kept"))
    np.testing.assert_array_equal(kept.grown([other])[0].rgb, alone.rgb)
    assert len([*(tmp_path / "kept").rglob("*.png")]) == 2


def test_it_can_be_sent_to_another_process_before_it_is_loaded(model: Path, tmp_path: Path) -> None:
    weights = standing_in(Sd2Inpainting.card.weights, model)
    made = Sd2Inpainting(Sd2Inpainting.Settings(**SMALL), "cpu", weights, Store(tmp_path / "kept"))
    here = made.facts()
    there: Sd2Inpainting = pickle.loads(pickle.dumps(made))
    there.load()
    one = picture(40, 40, UIDS[0])
    there.grown([one])
    assert there.facts() == here and [path.stem for path in (tmp_path / "kept").rglob("*.png")] == [name_of(one)]


def test_what_the_model_is_asked(model: Path) -> None:
    made = loaded(model, left=0.5, right=0.5, top=0, bottom=1, steps=5, guidance=3)
    made._pipeline = counting = Counting()
    made.grown([picture(32, 32, UIDS[0])])
    (asked,) = counting.asked
    assert (asked.height, asked.width) == (64, 64) and asked.num_inference_steps == 5 and asked.guidance_scale == 3
    assert asked.image.shape == (1, 3, 64, 64) and asked.image.min() >= 0 and asked.image.max() <= 1
    known = asked.mask_image[0, 0] == 0
    assert known[:32, 16:48].all() and known.sum() == 32 * 32
    assert asked.prompt_embeds.shape[0] == 1 and asked.negative_prompt_embeds is not None


def test_without_guidance_there_is_no_negative_prompt(model: Path) -> None:
    made = loaded(model, guidance=1)
    assert made._words[1] is None
    (canvas,) = made.grown([picture(40, 40)])
    assert margin(canvas).any()


def test_the_solver_is_one_of_few_steps_on_the_models_own_schedule(model: Path) -> None:
    scheduler = loaded(model)._pipeline.scheduler
    assert type(scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert (scheduler.config.algorithm_type, scheduler.config.beta_start) == ("dpmsolver++", 0.00085)
    scheduler.set_timesteps(4)
    assert len(scheduler.timesteps) == 4


def test_what_decides_and_what_does_not(model: Path) -> None:
    def facts(device: str = "cpu", **settings: Any) -> dict[str, Any]:
        weights = standing_in(Sd2Inpainting.card.weights, model)
        return Sd2Inpainting(Sd2Inpainting.Settings(**settings), device, weights).facts()

    usual = facts()
    assert usual["settings"]["dtype"] == "float32" and [*map(len, usual["weights"].values())] == [64]
    assert facts(batch_size=8, threads=2, pixel_budget=1) == usual
    assert all(
        facts(**{name: value}) != usual for name, value in (("steps", 9), ("seed", 1), ("left", 0.5), ("reach", 0))
    )
    assert facts("cuda")["settings"]["dtype"] == "bfloat16"


def test_a_painting_that_is_no_picture_is_told(model: Path) -> None:
    made = loaded(model)
    made._pipeline = lambda **asked: SimpleNamespace(images=np.full((1, 64, 64, 3), np.nan))
    with pytest.raises(ValueError, match="not numbers"):
        made.grown([picture(40, 40)])


def test_a_folder_of_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="no inpainting model") as error:
        loaded(tiny(tmp_path / "made", channels=5))
    assert "\n" not in str(error.value)
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightError, match=r"model\.safetensors is no safetensors file") as error:
        loaded(tmp_path)
    assert "\n" not in str(error.value)


class FullSize(Sd2Inpainting):
    """Stable Diffusion 2's networks in all their size with random weights."""

    card = replace(Sd2Inpainting.card, name="full-size", weights=())

    def assembled(self) -> Any:
        made = stable_diffusion.full(9)
        import diffusers

        schedule = diffusers.PNDMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
        )
        whole: Any = diffusers.StableDiffusionInpaintPipeline(
            made.vae, made.text, None, made.unet, schedule, None, None, requires_safety_checker=False
        )
        whole.set_progress_bar_config(disable=True)
        return with_few_steps(whole)

    def _encoded(self) -> tuple[Any, Any]:
        return torch.zeros(1, 77, 1024), torch.zeros(1, 77, 1024)


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_the_networks_of_full_size_run(no_threads_left: None) -> None:
    made = FullSize(FullSize.Settings(steps=1, side=256, threads=2))
    made.load()
    sizes = {name: sum(one.numel() for one in network.parameters()) for name, network in made.model.items()}
    assert 860e6 < sizes["unet"] < 870e6 and 83e6 < sizes["vae"] < 84e6 and 330e6 < sizes["text_encoder"] < 350e6
    one = picture(120, 90)
    (canvas,) = made.grown([one])
    x0, y0, x1, y1 = canvas.frame.box
    np.testing.assert_array_equal(canvas.rgb[y0:y1, x0:x1], one.rgb)
    assert margin(canvas).std() > 1 and made._multiple == 64
