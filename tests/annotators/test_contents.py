"""Files and folders that a user gives: what is wrong with them is told before anything is fetched or loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from annotators.base import Loadable
from annotators.caption.blip2 import Blip2
from annotators.normal.marigold import Marigold
from annotators.person.yolos import YolosTiny
from annotators.pose.simcc_onnx import DwPose
from annotators.weights import WeightError, standing_in

SETTINGS: dict[str, object] = {"preprocessor_config.json": {}}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))


def model(folder: Path, model_type: str, **files: object) -> Path:
    folder.mkdir()
    for name, said in {"config.json": {"model_type": model_type}, **files}.items():
        (folder / name).write_text(json.dumps(said))
    return folder


def tensors(folder: Path) -> Path:
    save_file({"a": np.zeros(2, np.float32)}, folder / "model.safetensors")
    return folder


def refused(annotator: type[Loadable], place: Path) -> str:
    with pytest.raises(WeightError) as told:
        standing_in(annotator.card.weights, place)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_folder_that_is_whole(tmp_path: Path) -> None:
    folder = tensors(model(tmp_path / "m", "yolos", **SETTINGS))
    assert [one.spec for one in standing_in(YolosTiny.card.weights, folder).values()] == [str(folder)]
    other = tensors(model(tmp_path / "n", "yolos", **{"processor_config.json": {}}))
    assert len(standing_in(YolosTiny.card.weights, other)) == 1


def test_a_folder_that_lacks_something(tmp_path: Path) -> None:
    bare = model(tmp_path / "bare", "yolos")
    assert (
        refused(YolosTiny, bare) == f"the folder {bare} lacks weights, such as model.safetensors: give one of a model"
    )
    said = refused(YolosTiny, tensors(bare))
    assert said == f"the folder {bare} lacks preprocessor_config.json, the model's settings for pictures"
    (bare / "config.json").unlink()
    assert refused(YolosTiny, bare).startswith(f"the folder {bare} lacks config.json")
    assert refused(Marigold, bare).startswith(f"the folder {bare} lacks model_index.json")
    (bare / "config.json").write_text("{")
    assert refused(YolosTiny, bare).startswith(f"{bare / 'config.json'} is no JSON")


def test_another_kind_of_model(tmp_path: Path) -> None:
    folder = tensors(model(tmp_path / "blip", "blip", **SETTINGS))
    assert refused(Blip2, folder) == f"{folder} holds a blip model, not blip-2"


def test_a_file_for_a_folder_and_the_reverse(tmp_path: Path) -> None:
    folder = tensors(model(tmp_path / "m", "yolos", **SETTINGS))
    said = refused(YolosTiny, folder / "model.safetensors")
    assert said.endswith(f"a folder is needed, with settings beside the weights: give {folder}")
    assert "one file is needed, such as dw-ll_ucoco_384.onnx" in refused(DwPose, folder)


def test_tensors_that_cannot_be_read(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "yolos", **SETTINGS)
    (folder / "model.safetensors").write_bytes(b"junk")
    assert refused(YolosTiny, folder).startswith(f"{folder / 'model.safetensors'} is no safetensors file")
    (folder / "model.safetensors").write_bytes(b"")
    assert refused(YolosTiny, folder).startswith(f"{folder / 'model.safetensors'} is empty")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.org/a.pt", "add #sha256= and the file's SHA-256 to the URL"),
        ("http://example.org/a.pt", "only https:// and hf: are fetched from"),
        ("https://example.org/a.pt#sha256=00", "'00' is no SHA-256: write its 64 hexadecimal digits"),
    ],
)
def test_urls(url: str, said: str) -> None:
    with pytest.raises(WeightError, match=said):
        standing_in(DwPose.card.weights, url)
    (given,) = standing_in(DwPose.card.weights, f"https://example.org/a.pt#sha256={'AB' * 32}").values()
    assert given.sha256 == "ab" * 32
