"""What a model's folder may not do: have code fetched and run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotators.cache import WeightError
from annotators.torch.diffusion import pipeline
from annotators.torch.pretrained import model
from tests.annotators import tiny
from tests.annotators.outpaint.tiny import tiny as inpainting

CODE = "someone/attention@main:run"


def changed(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.mark.parametrize(
    "settings",
    [
        {"attn_implementation": CODE},
        {"attn_implementation": {"vision_config": CODE}},
        {"experts_implementation": CODE},
        {"text_config": {"_attn_implementation": CODE}},
    ],
)
def test_code_of_the_hub_is_neither_fetched_nor_run(settings: dict[str, Any], tmp_path: Path) -> None:
    folder = tiny.yolos(tmp_path / "model")
    changed(folder / "config.json", **settings)
    with pytest.raises(
        WeightError, match=r"config.json names someone/attention@main:run, which is code, and is not run"
    ):
        model("YolosForObjectDetection", folder)


def test_nor_in_a_part_of_a_pipeline(tmp_path: Path) -> None:
    folder = inpainting(tmp_path / "model")
    changed(folder / "text_encoder" / "config.json", attn_implementation=CODE)
    with pytest.raises(WeightError, match=r"text_encoder/config.json names someone/attention"):
        pipeline("StableDiffusionInpaintPipeline", folder, "inpainting")


def test_a_model_may_say_how_its_own_library_computes(tmp_path: Path) -> None:
    folder = tiny.yolos(tmp_path / "model")
    changed(folder / "config.json", attn_implementation="eager", _name_or_path="someone/model")
    assert model("YolosForObjectDetection", folder).config._attn_implementation == "eager"


def test_settings_that_are_no_json_are_refused_in_one_line(tmp_path: Path) -> None:
    folder = tiny.yolos(tmp_path / "model")
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightError, match=r"config.json is no JSON \(") as caught:
        model("YolosForObjectDetection", folder)
    assert "\n" not in str(caught.value)


def test_programs_beside_a_model_are_not_run(tmp_path: Path) -> None:
    """Neither for a class that the settings name, nor for a part of a pipeline."""
    folder = tiny.yolos(tmp_path / "model")
    (folder / "own.py").write_text("raise SystemExit('run')")
    names = dict.fromkeys(("AutoConfig", "AutoModelForObjectDetection"), "own.Own")
    changed(folder / "config.json", auto_map=names)
    assert model("YolosForObjectDetection", folder)
    grown = inpainting(tmp_path / "grown")
    (grown / "unet" / "own.py").write_text("raise SystemExit('run')")
    changed(grown / "model_index.json", unet=["own", "Own"])
    with pytest.raises(WeightError, match="holds no inpainting model that can be loaded"):
        pipeline("StableDiffusionInpaintPipeline", grown, "inpainting")
