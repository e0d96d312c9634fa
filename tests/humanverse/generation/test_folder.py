"""Files that are whole or not there, under names that follow from requests; and the sheet of all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.generation import Generated, sheet
from humanverse.generation.folder import Folder, digest
from humanverse.generation.maps import read
from tests.humanverse.generation import tiny

MADE_BY: dict[str, Any] = {
    "model": {"name": "runs/a", "folder": "pipeline", "sha256": "a" * 64, "frozen": None},
    "refiner": None,
    "dtype": "float32",
    "device": "cpu",
    "watermark": False,
}


def generated(seed: int = 5, prompt: str = "Two <b>people</b>, dancing!") -> Generated:
    random = np.random.default_rng(seed)
    request = tiny.request(seed, prompt, size=(48, 64))
    normal = random.normal(size=(64, 48, 3)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    pixels = random.integers(0, 256, (64, 48, 3), dtype=np.uint8)
    depth = random.random((64, 48), dtype=np.float32)
    drawn = request.skeleton.drawn((48, 64))
    return Generated(request, drawn, pixels, depth, normal, pixels, {}, {"rgb": False, "refined": False})


def test_what_is_written_is_what_was_made(tmp_path: Path) -> None:
    made, folder = generated(), Folder(tmp_path / "new/out")
    name = folder.write(made, MADE_BY)
    assert name == f"two-b-people-b-dancing-5-{digest(made.request, MADE_BY)[:10]}"
    card = json.loads((folder.path / f"{name}.json").read_text())
    assert card["files"] == {
        "rgb": f"{name}.png",
        "depth": f"{name}.depth.png",
        "normal": f"{name}.normal.png",
        "skeleton": f"{name}.skeleton.png",
        "refined": f"{name}.refined.png",
    }
    assert sorted(path.name for path in folder.path.iterdir()) == sorted([f"{name}.json", *card["files"].values()])
    files = {target: folder.path / file for target, file in card["files"].items()}
    for target, pixels in {"rgb": made.rgb, "skeleton": made.skeleton, "refined": made.refined}.items():
        assert np.array_equal(np.asarray(Image.open(files[target])), pixels)
    np.testing.assert_allclose(read("depth", files["depth"]), made.depth, atol=1e-5)
    np.testing.assert_allclose(read("normal", files["normal"]), made.normal, atol=0.01)
    assert (card["prompt"], card["seed"], card["steps"], card["size"]) == (made.request.prompt, 5, 2, [48, 64])
    assert card["model"] == MADE_BY["model"] and card["refiner"] is None
    assert card["synthetic"]["watermark"] == {"rgb": False, "refined": False}
    assert {"humanverse", "torch", "diffusers"} <= card["versions"].keys()
    np.testing.assert_allclose(card["skeleton"]["people"], made.request.skeleton.placed((48, 64)), atol=1e-3)


def test_a_picture_is_there_with_all_of_its_files_or_not(tmp_path: Path) -> None:
    folder, made = Folder(tmp_path), generated()
    name = folder.name_of(made.request, MADE_BY)
    assert not folder.has(name)
    assert folder.write(made, MADE_BY) == name and folder.has(name)
    (tmp_path / f"{name}.depth.png").unlink()
    assert not folder.has(name)


def test_another_request_or_model_has_another_name(tmp_path: Path) -> None:
    folder, request = Folder(tmp_path), generated().request
    names = {
        folder.name_of(replace(request, **changed), MADE_BY)
        for changed in (
            {},
            {"seed": 6},
            {"prompt": "Two <b>people</b>, dancing."},
            {"negative": "a"},
            {"steps": 3},
            {"guidance": 2.0},
            {"rescale": 0.1},
            {"size": (64, 48)},
            {"original": (9, 9)},
            {"refined_size": (96, 128)},
            {"skeleton": tiny.people(width=60)},
            {"maps": {"depth": np.zeros((4, 4), np.float32)}},
        )
    }
    assert len(names) == 12
    other = {**MADE_BY, "model": {**MADE_BY["model"], "sha256": "b" * 64}}
    assert folder.name_of(request, other) not in names
    of_another = {**MADE_BY, "model": {**MADE_BY["model"], "frozen": {"model.base": "another"}}}
    assert folder.name_of(request, of_another) not in names
    moved = {**MADE_BY, "model": {**MADE_BY["model"], "name": "elsewhere"}, "device": "cuda"}
    assert folder.name_of(request, moved) in names


def test_a_prompt_of_signs_alone_has_a_name_too(tmp_path: Path) -> None:
    assert Folder(tmp_path).name_of(generated(prompt="…").request, MADE_BY).startswith("picture-5-")


def test_the_sheet_shows_all_pictures_and_no_html_of_theirs(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    names = sorted(folder.write(generated(seed), MADE_BY) for seed in (5, 6))
    (tmp_path / "other.json").write_text('{"form": "of somebody else"}')
    assert sheet.write(folder) == 2
    page = (tmp_path / "index.html").read_text()
    assert [name for name, _ in folder.cards()] == names
    for name in names:
        places = [page.index(f'src="{name}{end}.png"') for end in (".skeleton", "", ".depth", ".normal", ".refined")]
        assert places == sorted(places)
    assert "&lt;b&gt;people" in page and "<b>people" not in page
    assert "seed 6" in page and "runs/a" in page


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/out cannot be written to"):
        Folder(tmp_path / "file/out")


SAMPLE = {
    "kind": "sample",
    "dataset": "/home/me/people/",
    "uid": "ab12",
    "url": "https://x",
    "pose_layer": "pose/truth",
}


def test_where_several_models_made_pictures_each_says_which(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(generated(1), MADE_BY)
    sheet.write(folder)
    alone = (tmp_path / sheet.SHEET).read_text()
    assert alone.count("runs/a (aaaaaaaaaaaa)") == 1
    folder.write(generated(2), {**MADE_BY, "model": {**MADE_BY["model"], "name": "runs/b", "sha256": "b" * 64}})
    sheet.write(folder)
    both = (tmp_path / sheet.SHEET).read_text()
    assert both.count("runs/a (aaaaaaaaaaaa)") == both.count("runs/b (bbbbbbbbbbbb)") == 2
    assert both.count("· made by runs/a") == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"kind": "picture", "file": "/home/me/drawn.png"}, "the picture drawn.png"),
        (
            {"kind": "keypoints", "file": "/home/me/poses.json", "picture": "train/7.jpg"},
            "of poses.json, picture 7.jpg",
        ),
        ({"kind": "keypoints", "file": "poses.json", "picture": None}, "of poses.json"),
        (SAMPLE, "of sample ab12 of people, as pose/truth saw it"),
        (
            {**SAMPLE, "kind": "pose from text", "caption_layer": "caption/blip", "score": 0.81},
            "of sample ab12 of people, as pose/truth saw it, whose caption/blip is like the prompt (score 0.81)",
        ),
        ({"kind": "drawn by hand", "begun_with": None}, "drawn by hand"),
        (
            {"kind": "drawn by hand", "begun_with": SAMPLE},
            "drawn by hand, begun with the one of sample ab12 of people, as pose/truth saw it",
        ),
    ],
)
def test_the_sheet_says_where_a_skeleton_is_from_and_names_no_folder(tmp_path: Path, source: Any, said: str) -> None:
    folder, made = Folder(tmp_path), generated()
    skeleton = replace(made.request.skeleton, source=source)
    folder.write(replace(made, request=replace(made.request, skeleton=skeleton)), MADE_BY)
    sheet.write(folder)
    page = (tmp_path / "index.html").read_text()
    assert f"skeleton: {said}</p>" in page and "/home/me" not in page
