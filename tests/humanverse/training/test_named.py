"""What settings name is refused where there is nothing of that name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from humanverse.errors import UserError
from humanverse.training import named
from humanverse.training.settings import ModelSettings

SCRATCH: dict[str, Any] = {"unet": "tiny", "vae": "patch:4", "text": "untrained:32"}


@pytest.mark.parametrize("stage", ["structure", "refiner"])
def test_what_there_is_passes(stage: str, tmp_path: Path) -> None:
    named.check(stage, ModelSettings(**SCRATCH))
    named.check(stage, ModelSettings(base="hf:owner/model@1"), fetched=("hf",))
    named.check(stage, ModelSettings(**{**SCRATCH, "unet": {"layers_per_block": 1}}))
    for part, config in {
        "vae": {"_class_name": "AutoencoderKL"},
        "text_encoder": {"model_type": "clip_text_model"},
        "text_encoder_2": {"model_type": "clip_text_model"},
    }.items():
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text(json.dumps(config))
    named.check(stage, ModelSettings(base=str(tmp_path)))
    named.check(stage, ModelSettings(**{**SCRATCH, "vae": str(tmp_path / "vae"), "text": str(tmp_path)}))


def test_a_package_s_text_encoder_is_no_folder() -> None:
    named.check("structure", ModelSettings(**{**SCRATCH, "text": "minilm"}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"preset": "papr"}, r"^model\.preset papr: choose from paper, "),
        ({"unet": "tinny"}, r"^model\.unet tinny: choose from sd2-base, sdxl-base, tiny, tiny-xl, or give arguments"),
        ({"vae": "pach"}, "^pach holds no model: it has no config.json that names its class$"),
        ({"vae": "patch:four"}, "^model.vae patch:four: after the colon comes a whole number$"),
        ({"vae": None}, "^there is no vae: name a pretrained pipeline with model.base, or train from scratch"),
        ({"vae": None, "base": "absent"}, r"^model\.base absent has no folder vae: give a diffusers pipeline, or say"),
        ({"text": "minlm"}, "^minlm holds no text encoder: it has no config.json that can be read$"),
        ({"text": "untrained:x"}, "^model.text untrained:x: after the colon comes a whole number$"),
        ({"text": None}, "^there is no text: name a pretrained pipeline"),
    ],
)
def test_what_there_is_not_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        named.check("structure", ModelSettings(**{**SCRATCH, **changes}))


def test_each_stage_has_presets_and_text_encoders_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^model\.preset rgb: choose from paper, no_dropout, "):
        named.check("refiner", ModelSettings(**SCRATCH, preset="rgb"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    one = ModelSettings(**{**SCRATCH, "text": str(tmp_path)})
    named.check("structure", one)
    with pytest.raises(UserError, match="has no folder text_encoder_2: SDXL needs two text encoders"):
        named.check("refiner", one)


def test_folders_of_this_machine_take_the_place_of_names() -> None:
    def place(named: str) -> str:
        return f"/here/{named}"

    given = ModelSettings(base="hf:owner/model@1", text="minilm", vae="patch:2")
    assert named.placed(given, place) == ModelSettings(
        base="/here/hf:owner/model@1", text="/here/text-encoder:minilm", vae="patch:2"
    )
    assert named.placed(ModelSettings(text="folder"), lambda named: named) == ModelSettings(text="folder")
    assert named.placed(ModelSettings(), place) == ModelSettings()
