"""A build of real photographs with image.blur_faces: the dataset is sound, and no marked eye is in it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from humanverse.codec import decode_rgb
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.build import build
from schemas.recipe import load
from tests.annotators.photographs import DATA, SEVERAL, photograph

ONLY = {"safety", "text", "quality", "caption", "depth", "normal"}
REACH = 4


def marked(name: str) -> np.ndarray:
    """int (n, 2): noses and eyes of a photograph that people have marked as visible, in pixels."""
    truth = json.loads((DATA / "annotations" / "person_keypoints.json").read_text())
    (image,) = (item["id"] for item in truth["images"] if item["file_name"] == name)
    people = [
        np.array(item["keypoints"]).reshape(17, 3)[:3] for item in truth["annotations"] if item["image_id"] == image
    ]
    points = np.concatenate(people)
    found: np.ndarray = points[points[:, 2] == 2, :2]
    return found


def detail(pixels: np.ndarray, x: int, y: int) -> float:
    """Mean difference of neighbouring pixels around a point."""
    part = pixels[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1].astype(float)
    return float(np.abs(np.diff(part, axis=0)).mean() + np.abs(np.diff(part, axis=1)).mean())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blur")
    photograph(SEVERAL)
    (folder / "pictures").mkdir()
    shutil.copy(DATA / "images" / SEVERAL, folder / "pictures")
    over = {
        "image": {"blur_faces": True},
        "gate": {"min_area_ratio": None, "max_people": None},
        "annotators": dict.fromkeys(ONLY),
    }
    build([str(folder / "pictures")], str(folder / "people"), load(overrides=over), local=True)
    return folder / "people"


def test_the_dataset_is_sound_and_its_uids_are_of_the_originals(built: Path) -> None:
    dataset = Dataset(str(built))
    assert verify(dataset).findings == ()
    (sample,) = dataset.samples()
    original = (DATA / "images" / SEVERAL).read_bytes()
    assert sample.columns["sha256"] == hashlib.sha256(original).hexdigest()
    assert sample.columns["jpg_sha256"] == hashlib.sha256(sample.jpeg).hexdigest() != sample.columns["sha256"]
    assert sample.columns["reencoded"] is True


def test_faces_are_gone_and_the_rest_is_there(built: Path) -> None:
    (sample,) = Dataset(str(built)).samples()
    original = decode_rgb((DATA / "images" / SEVERAL).read_bytes())
    assert sample.image.shape == original.shape
    places = marked(SEVERAL)
    assert len(places) >= 3
    for x, y in places:
        assert detail(sample.image, x, y) < 0.5 * detail(original, x, y)
    changed = np.abs(sample.image.astype(int) - original).max(axis=2) > 60
    assert changed.mean() < 0.1
