"""Files that somebody uploads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.studio import uploads
from tests.datasets import picture
from tests.humanverse.generation import tiny


def test_keypoints_of_several_pictures(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"image_id": number, "keypoints": [5.0] * 51} for number in (4, 5)]))
    first, second = uploads.read(path)
    assert (first.source["file"], second.source["picture"]) == ("results.json", "5")


def test_a_drawing(tmp_path: Path) -> None:
    drawn = tiny.people().drawn((64, 64))
    Image.fromarray(drawn).save(tmp_path / "drawn.png")
    (found,) = uploads.read(tmp_path / "drawn.png")
    assert np.array_equal(found.drawn((64, 64)), drawn) and found.source == {"kind": "picture", "file": "drawn.png"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("photograph.jpg", "^photograph.jpg looks like a photograph"),
        ("text.json", "^text.json is not JSON"),
        ("nobody.json", "^nobody.json has nobody"),
        ("text.png", "^text.png is no picture that can be read"),
        ("gone.png", "^gone.png: there is no such file"),
    ],
)
def test_wrong_files_are_one_line_without_the_folder(tmp_path: Path, name: str, line: str) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "photograph.jpg")
    for text in ("text.json", "text.png"):
        (tmp_path / text).write_text("people")
    (tmp_path / "nobody.json").write_text('{"people": []}')
    with pytest.raises(UserError, match=line) as told:
        uploads.read(tmp_path / name)
    assert str(tmp_path) not in str(told.value)
