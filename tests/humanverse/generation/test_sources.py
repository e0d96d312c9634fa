"""Where stages come from, and what is told of folders that are none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from humanverse.errors import UserError
from humanverse.generation.sources import nearest_size, source_of
from humanverse.training.checkpoints import RunFolder
from tests.datasets import make_dataset
from tests.humanverse.training.tiny import UNET, trained


def test_a_pipelines_folder(structure: Path, refiner: Path) -> None:
    source = source_of(str(structure), "structure")
    assert source.folder == structure and source.sizes == ((64, 64),)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(structure).as_posix()}\n"
        for path in sorted(structure.rglob("*"), key=lambda path: path.relative_to(structure).as_posix())
        if path.is_file()
    ]
    assert source.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert source_of(str(refiner), "refiner").sizes == ((64, 64),)


def test_other_weights_have_another_digest(structure: Path, tmp_path: Path) -> None:
    other = shutil.copytree(structure, tmp_path / "other")
    assert source_of(str(other), "structure").sha256 == source_of(str(structure), "structure").sha256
    path = next(other.glob("unet/*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert source_of(str(other), "structure").sha256 != source_of(str(structure), "structure").sha256


def test_the_nearest_shape_is_by_quotient() -> None:
    sizes = [(64, 64), (48, 96), (96, 48)]
    assert [nearest_size(sizes, wanted) for wanted in ((10, 11), (300, 500), (500, 300))] == sizes


def test_another_name_for_a_place(structure: Path) -> None:
    source = source_of("hf:OWNER/REPO", "structure", lambda named: str(structure))
    assert (source.named, source.folder) == ("hf:OWNER/REPO", structure)


def test_what_is_none_is_one_line(structure: Path, refiner: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "settings.json").write_text(json.dumps({"stage": "structure"}))
    for named, stage, line in (
        (tmp_path / "nothing", "structure", "--model .*there is no such folder"),
        (tmp_path, "refiner", "--refiner .*is neither a run of humanverse train refiner nor its pipeline"),
        (refiner, "structure", "--model .*is of the other stage: give it as --refiner"),
        (structure, "refiner", "--refiner .*is of the other stage: give it as --model"),
        (foreign, "structure", "holds a StableDiffusionPipeline"),
        (begun, "structure", "has no checkpoint yet"),
    ):
        with pytest.raises(UserError, match=line):
            source_of(str(named), stage)


def test_a_run_that_may_only_be_read(structure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    shutil.copytree(structure, run / "pipeline")
    (run / "settings.json").write_text(json.dumps({"stage": "structure"}))
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert source_of(str(run), "structure").folder == run / "pipeline"


def test_a_refiners_checkpoint_has_the_weights_of_its_pipeline(tmp_path: Path) -> None:
    """The average, which is of both networks where both are trained."""
    unet = {**UNET, "mid_block_type": "UNetMidBlock2DCrossAttn", "addition_embed_type": "text_time"}
    changed = {"model__unet": {**unet, "addition_time_embed_dim": 4}, "model__preset": "skeleton_depth"}
    people = make_dataset(tmp_path / "people", 2, 4).url
    trained(people, tmp_path / "run", "refiner", samples=8, model__train_base=True, **changed)
    pipeline = source_of(str(tmp_path / "run"), "refiner")
    checkpoint = source_of(str(RunFolder(tmp_path / "run").checkpoint(8)), "refiner")
    assert (pipeline.checkpoint, checkpoint.checkpoint) == (False, True)
    assert pipeline.sizes == checkpoint.sizes == ((16, 16),)
    frozen = checkpoint.facts()["frozen"]
    assert pipeline.facts()["frozen"] is None and frozen["model.vae"] == "patch:2" and frozen["precision"] == "no"
    assert frozen["model.unet"]["addition_time_embed_dim"] == 4 and not any(name.startswith("data.") for name in frozen)
    one, other = pipeline.load("cpu"), checkpoint.load("cpu")
    for name in ("refiner", "unet"):
        first, second = (getattr(loaded, name).state_dict() for loaded in (one, other))
        assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_weights_that_cannot_be_loaded_are_one_line(structure: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(structure, tmp_path / "broken")
    next(broken.glob("unet/*.safetensors")).write_bytes(b"nothing")
    with pytest.raises(UserError, match="broken cannot be loaded"):
        source_of(str(broken), "structure").load("cpu")
