"""What a user writes after ``--pose``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.generation import People
from humanverse.generation.poses import read
from pipelines.forget import Request, forget
from tests.datasets import make_dataset, picture


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_dataset(tmp_path_factory.mktemp("poses") / "people", 2, 3).url


def test_a_drawn_picture(tmp_path: Path) -> None:
    pixels = np.zeros((24, 16, 3), np.uint8)
    pixels[6:18] = np.random.default_rng(0).integers(0, 256, (12, 16, 3))
    Image.fromarray(pixels).save(tmp_path / "drawn.png")
    (found,) = read(str(tmp_path / "drawn.png"))
    assert np.array_equal(found.drawn((16, 24)), pixels)
    assert found.source == {"kind": "picture", "file": str(tmp_path / "drawn.png")} and not found.drawn_by_us


def test_a_file_whose_name_has_the_mark_is_a_file(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a#b.png")
    assert read(str(tmp_path / "a#b.png"))[0].size == (16, 16)


def test_keypoints_and_one_picture_of_them(tmp_path: Path) -> None:
    body = [1.0] * 51
    results = [{"image_id": number, "keypoints": body} for number in (4, 5)]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    assert [found.source["picture"] for found in read(str(path))] == ["4", "5"]
    assert [found.source["picture"] for found in read(f"{path}#5")] == ["5"]


def test_a_sample_with_its_caption(people: str) -> None:
    dataset = Dataset(people)
    sample = list(dataset.samples(["pose"]))[4]
    (found,) = read(f"{people}#{sample.uid}")
    assert isinstance(found, People) and found.size == (320, 240)
    expected = np.array(sample.layers["pose"]["keypoints"], np.float32).reshape(-1, 133, 3)
    assert np.array_equal(np.stack(found.people), expected)
    assert found.caption == sample.columns["caption"]
    assert found.source["uid"] == sample.uid and found.source["url"] == sample.columns["url"]
    assert read(f"{people}#{sample.uid}", "pose/test")[0].source["pose_layer"] == "pose/test"


def test_what_cannot_be_is_one_line(people: str, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (16, 16)).save(tmp_path / "one.png")
    Image.fromarray(picture(1)).save(tmp_path / "photograph.jpg")
    for words, line in {
        str(tmp_path / "nothing.png"): "there is no such file",
        people: "name a sample of it",
        str(tmp_path / "text.png"): "no picture that can be read",
        str(tmp_path / "photograph.jpg"): "photograph.jpg looks like a photograph",
        f"{tmp_path}/one.png#2": "leave out #2",
        f"{people}#{'0' * 32}": f"has no sample {'0' * 32}",
        f"{tmp_path}#{'0' * 32}": "is not a dataset",
    }.items():
        with pytest.raises(UserError, match=line) as told:
            read(words)
        assert "\n" not in str(told.value)
    uid = next(Dataset(people).samples()).uid
    with pytest.raises(UserError, match="no layer pose/other"):
        read(f"{people}#{uid}", "pose/other")


def test_a_forgotten_sample_is_not_served(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 1, 3).url)
    uid = next(dataset.samples()).uid
    forget(dataset.store.url, Request(uids=(uid,)))
    with pytest.raises(UserError, match="has no sample"):
        read(f"{dataset.store.url}#{uid}")
