"""What a user names as a place means the same from every folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.given_places import absolute
from schemas.recipe_annotators import AnnotatorSettings, with_weights
from schemas.recipe_outpaint import OutpaintSettings


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("models/yolos", "{here}/models/yolos"),
        ("/models/yolos", "/models/yolos"),
        ("a=b.onnx", "{here}/a=b.onnx"),
        ("hf:own/tiny@main:a.onnx", "hf:own/tiny@main:a.onnx"),
        ("https://example.org/a#sha256=00", "https://example.org/a#sha256=00"),
        ("s3://bucket/kept", "s3://bucket/kept"),
    ],
)
def test_paths_become_absolute_and_addresses_stay(
    place: str, known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = known.format(here=tmp_path)
    assert absolute(place) == expected
    item = AnnotatorSettings(name="a", weights=(place,))
    assert item.weights == OutpaintSettings(name="edge", weights=(place,)).weights == (expected,)
    assert with_weights({"person": AnnotatorSettings(name="a")}, {"person": [place]})["person"].weights == (expected,)


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute("~/models") == str(tmp_path / "models")
