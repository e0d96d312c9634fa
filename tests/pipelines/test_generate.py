"""``humanverse generate`` and ``is-synthetic`` as a user runs them."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.generation import Generator, coding, maps
from humanverse.generation.folder import Folder
from humanverse.generation.sources import Source
from humanverse.training.checkpoints import RunFolder
from pipelines import cli, pose_from_text
from pipelines.generate import _note
from tests.datasets import make_dataset, skeleton
from tests.humanverse.generation import conftest as models
from tests.humanverse.generation import tiny
from tests.humanverse.retrieval.toy import Words
from tests.humanverse.training.tiny import trained

one_thread, structure, refiner = models.one_thread, models.structure, models.refiner

UNMARKED = ("--no-watermark", "--device", "cpu", "--steps", "2")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_dataset(tmp_path_factory.mktemp("generate") / "people", 4, 5).url


@pytest.fixture
def pose(tmp_path: Path) -> Path:
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"width": 48, "height": 48, "people": [skeleton((4, 4, 44, 44))]}))
    return path


class Call:
    """Runs a command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._caught = monkeypatch, capsys

    def __call__(self, *words: Any) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._patch.setattr(sys, "argv", ["humanverse", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *self._caught.readouterr()

    def json(self, *words: Any) -> dict[str, Any]:
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def line(self, *words: Any) -> str:
        """What is told of an error, which is one line."""
        code, out, err = self(*words)
        told = [line for line in err.splitlines() if line.startswith("humanverse: ")]
        assert (code, out, len(told)) == (2, "", 1) and "Traceback" not in err, err
        return told[0]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return Call(monkeypatch, capsys)


def test_pictures_of_both_stages_and_what_is_there_stays(
    structure: Path, refiner: Path, pose: Path, tmp_path: Path, call: Call
) -> None:
    out = tmp_path / "out"
    words = ["generate", out, "--model", structure, "--refiner", refiner, "--pose", pose, "--seed", 3, *UNMARKED]
    said = call.json(*words, "--prompt", "a b c", "--n", 2)
    assert (said["made"], said["there_before"], said["without_watermark"]) == (2, 0, 4)
    first, second = said["pictures"]
    card = json.loads((out / f"{second}.json").read_text())
    assert (card["seed"], card["prompt"], card["size"]) == (4, "a b c", [64, 64])
    assert card["skeleton"]["source"] == {"kind": "keypoints", "file": str(pose), "picture": None}
    assert maps.read("depth", out / card["files"]["depth"]).shape == (64, 64)
    (alone,) = Generator(structure, refiner, device="cpu", mark=False).generate([tiny.request(4)])
    for name in ("rgb", "refined"):
        assert np.array_equal(np.asarray(Image.open(out / card["files"][name])), getattr(alone, name))

    (out / card["files"]["refined"]).unlink()
    times = {path: path.stat().st_mtime_ns for path in out.glob(f"{first}*")}
    again = call.json(*words, "--prompt", "a b c", "--prompt", "c", "--n", 2)
    assert (again["made"], again["there_before"]) == (3, 1)
    assert again["pictures"][:2] == [first, second] and (out / card["files"]["refined"]).exists()
    assert {path: path.stat().st_mtime_ns for path in out.glob(f"{first}*")} == times
    assert Path(again["sheet"]).read_text().count('class="made"') == 4
    code, told, _ = call(*words, "--prompt", "c", "--n", 1)
    assert code == 0 and "generated: 0 pictures, 1 was there" in told and "nothing was left to make" in told


@pytest.mark.slow
def test_a_json_beside_a_picture_is_a_pose_and_its_maps_are_maps(
    structure: Path, refiner: Path, pose: Path, tmp_path: Path, call: Call
) -> None:
    words = ["--model", structure, "--refiner", refiner, "--prompt", "a", *UNMARKED]
    made = call.json("generate", tmp_path / "one", "--pose", pose, *words)["pictures"][0]
    one = tmp_path / "one" / made
    own = ["--depth", f"{one}.depth.png", "--normal", f"{one}.normal.png"]
    (again,) = call.json("generate", tmp_path / "two", "--pose", f"{one}.json", *own, *words)["pictures"]
    two = tmp_path / "two" / again
    assert made != again and len(json.loads(Path(f"{two}.json").read_text())["maps_sha256"]) == 2
    rgb, refined = (
        [np.asarray(Image.open(f"{name}{end}"), int) for name in (one, two)] for end in (".png", ".refined.png")
    )
    assert np.array_equal(*rgb)
    assert 0 <= np.abs(refined[0] - refined[1]).max() <= 3


def test_samples_bring_their_captions(structure: Path, people: str, tmp_path: Path, call: Call) -> None:
    rows = list(Dataset(people).samples())[:2]
    poses = [word for row in rows for word in ("--pose", f"{people}#{row.uid}")]
    said = call.json("generate", tmp_path / "out", "--model", structure, *poses, *UNMARKED)
    cards = [json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in said["pictures"]]
    assert [card["prompt"] for card in cards] == [row.columns["caption"] for row in rows]
    assert [card["skeleton"]["source"]["uid"] for card in cards] == [row.uid for row in rows]
    assert all(len(card["skeleton"]["people"]) == 2 for card in cards)


def test_skeletons_are_found_by_the_prompt(
    structure: Path, people: str, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pose_from_text, "_of_texts", None)
    monkeypatch.setattr(
        pose_from_text, "_EMBEDDERS", {"caption": lambda *given: Words(), "source": lambda *given: Words()}
    )
    words = ["generate", tmp_path / "out", "--model", structure, "--pose-from-text", people, *UNMARKED]
    words += ["--prompt", "alt text of row 3", "--n", 2]
    said = call.json(*words, "--people", "2", "--pose-layer", "test")
    sources = [
        json.loads((tmp_path / "out" / f"{name}.json").read_text())["skeleton"]["source"] for name in said["pictures"]
    ]
    assert len({source["uid"] for source in sources}) == 2
    assert all(source["pose_layer"] == "pose/test" and source["score"] > 0 and source["url"] for source in sources)
    assert "exactly 1 person" in call.line(*words, "--people", "1")


def test_what_a_run_wrote_is_read_in_every_state(people: str, tmp_path: Path, call: Call, pose: Path) -> None:
    """The finished pipeline, and a checkpoint with its average in its place, make the same bits."""
    run = tmp_path / "run"
    trained(people, run, samples=8, ema__half_life=4)
    words = ["--prompt", "one person", "--pose", pose, *UNMARKED]

    def rgb(out: str, model: Path) -> np.ndarray:
        said = call.json("generate", tmp_path / out, "--model", model, *words)
        return np.asarray(Image.open(tmp_path / out / f"{said['pictures'][0]}.png"))

    finished = rgb("finished", run)
    assert finished.shape == (16, 16, 3)
    latest, earlier = RunFolder(run).checkpoint(8), RunFolder(run).checkpoint(4)
    assert np.array_equal(rgb("checkpoint", latest), finished)
    assert not np.array_equal(rgb("earlier", earlier), finished)
    further = shutil.copytree(run, tmp_path / "further")
    trained(people, further, samples=12, ema__half_life=4)
    newer = shutil.copytree(RunFolder(further).checkpoint(12), RunFolder(run).checkpoint(12))
    assert np.array_equal(rgb("newer", run), rgb("of-further", further))
    shutil.rmtree(newer)
    shutil.rmtree(run / "pipeline")
    assert np.array_equal(rgb("unfinished", run), finished)


@pytest.mark.skipif(find_spec("imwatermark") is None, reason="invisible-watermark is not installed")
def test_pictures_are_marked(
    structure: Path, pose: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model with random weights makes nothing that could hold the mark: a picture like a photograph stands in."""
    monkeypatch.setattr(coding, "pixels_of", lambda picture: tiny.clouds(*picture.shape[:2]))
    words = ["--pose", pose, "--prompt", "a", "--size", "288x256", "--steps", 1, "--device", "cpu"]
    said = call.json("generate", tmp_path / "out", "--model", structure, *words)
    assert said["without_watermark"] == 0
    files = sorted((tmp_path / "out").glob("*.png"))
    found = {Path(item["file"]).name: item for item in call.json("is-synthetic", *files)["pictures"]}
    assert len(found) == 4 and all(item["synthetic"] for item in found.values())
    assert found[f"{said['pictures'][0]}.png"]["watermark"] is True
    Image.fromarray(np.full((300, 300, 3), 99, np.uint8)).save(tmp_path / "plain.png")
    code, told, _ = call("is-synthetic", tmp_path / "plain.png")
    assert code == 0 and "says nothing of being synthetic" in told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "say where skeletons come from: --pose FILE"),
        (["--pose", "POSE"], "there is no prompt, and a skeleton has no caption"),
        (["--pose", "POSE", "--prompts", "nothing.txt"], "--prompts nothing.txt: No such file"),
        (["--pose", "POSE", "--pose-from-text", "people"], "say where skeletons come from"),
        (["--pose-from-text", "people"], "--pose-from-text looks for skeletons by prompts"),
        (["--pose", "nothing.png", "--prompt", "a"], "--pose nothing.png: there is no such file"),
        (["--pose", "POSE", "--pose", "POSE", *("--prompt", "a") * 3], "3 prompts and 2 skeletons"),
        (["--pose", "POSE", "--prompt", "a", "--size", "big"], "--size big: write WIDTHxHEIGHT"),
        (["--pose", "POSE", "--prompt", "a", "--size", "60x60"], "multiples of 8"),
        (["--pose", "POSE", "--prompt", "a", "--depth", "nothing.png"], "--depth nothing.png: No such file"),
        (["--pose", "POSE", "--prompt", "a", "--refiner", "nothing"], "--refiner nothing: there is no such folder"),
        (["--pose", "POSE", "--prompt", "a", "--model", "nothing"], "--model nothing: there is no such folder"),
        (["--pose", "POSE", "--prompt", "a", "--model", "hf:nonsense"], "weights hf:nonsense"),
        (["--pose", "POSE", "--prompt", "a", "--device", "cuda:77"], "device cuda:77 cannot be used"),
        (["--pose", "POSE", "--prompt", "a", "--guidance", "0"], "Invalid value for '--guidance'"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], line: str, structure: Path, pose: Path, tmp_path: Path, call: Call
) -> None:
    given = [str(pose) if word == "POSE" else word for word in words]
    assert line in call.line("generate", tmp_path / "out", "--model", structure, *UNMARKED, *given)


def test_a_part_of_the_next_picture_is_told_only_if_it_is_begun() -> None:
    assert _note({"rows": 2, "hundredths": 200}, 0.5) == "30.0 a minute"
    assert _note({"rows": 2, "hundredths": 240}, 0.5) == "30.0 a minute · 40 % of the next"


def test_a_request_that_is_doubled_was_not_there(structure: Path, pose: Path, tmp_path: Path, call: Call) -> None:
    words = ["generate", tmp_path / "out", "--model", structure, "--pose", pose, *("--prompt", "a") * 3, *UNMARKED]
    said = call.json(*words)
    assert (said["made"], said["there_before"], said["asked_again"], len(said["pictures"])) == (1, 0, 2, 3)
    said = call.json(*words)
    assert (said["made"], said["there_before"], said["asked_again"]) == (0, 1, 2)
    assert "generated: 0 pictures, 1 was there, 2 asked for twice" in call(*words)[1]


def test_an_error_is_told_even_where_the_sheet_cannot_be_written(
    structure: Path, pose: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sheet(folder: Folder) -> int:
        raise UserError("no sheet")

    def no_picture(folder: Folder, made: Any, made_by: Any) -> str:
        raise UserError("no picture")

    words = ["generate", tmp_path / "out", "--model", structure, "--pose", pose, "--prompt", "a", *UNMARKED]
    monkeypatch.setattr("humanverse.generation.sheet.write", no_sheet)
    assert call.line(*words).endswith("no sheet")
    monkeypatch.setattr(Folder, "write", no_picture)
    assert call.line(*words, "--seed", 1).endswith("no picture")


def test_what_of_a_prompt_is_not_read_is_told_once(
    structure: Path, refiner: Path, pose: Path, tmp_path: Path, call: Call
) -> None:
    words = ["--model", structure, "--refiner", refiner, "--pose", pose, "--prompt", "a b c d e f g h a", "--n", 2]
    code, out, err = call("generate", tmp_path / "out", *words, "--prompt", "a b c d e f", *UNMARKED)
    told = [line for line in err.splitlines() if "does not read" in line]
    assert code == 0 and len(told) == 1 and "generated: 4 pictures" in out
    assert 'which does not read its end "g h a": make it shorter' in told[0]


def test_people_of_few_points_are_told_of_once(structure: Path, pose: Path, tmp_path: Path, call: Call) -> None:
    told = json.loads(pose.read_text())
    told["people"].append([20, 20, 1] * 3 + [0] * 42)
    pose.write_text(json.dumps(told))
    words = ["--model", structure, "--pose", pose, "--pose", pose, "--prompt", "a", *UNMARKED]
    code, _, err = call("generate", tmp_path / "out", *words)
    (line,) = [line for line in err.splitlines() if "points" in line]
    assert code == 0 and line.startswith(f"generate: {pose}: 1 of 2 people has fewer than 6 points")


def test_prompts_of_a_file(structure: Path, pose: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "prompts.txt").write_text("a b\n\n  c\n")
    words = ["--model", structure, "--pose", pose, "--prompts", tmp_path / "prompts.txt", *UNMARKED]
    said = call.json("generate", tmp_path / "out", *words)
    assert [name.rsplit("-", 2)[0] for name in said["pictures"]] == ["a-b", "c"]
    (tmp_path / "prompts.txt").write_text("\n")
    assert "is empty: give a prompt on each line" in call.line("generate", tmp_path / "out", *words)


@pytest.mark.skipif(find_spec("imwatermark") is None, reason="invisible-watermark is not installed")
def test_a_file_that_cannot_be_read_does_not_hide_what_others_say(tmp_path: Path, call: Call) -> None:
    Image.fromarray(np.full((300, 300, 3), 99, np.uint8)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("no picture")
    files = [tmp_path / name for name in ("text.png", "plain.png", "nothing.png")]
    code, out, err = call("is-synthetic", *files)
    assert code == 2 and out.count("says nothing of being synthetic") == 1
    missing, broken = [line for line in err.splitlines() if line.startswith("humanverse: ")]
    assert (
        missing.endswith("nothing.png: there is no such file") and "text.png is no picture that can be read" in broken
    )
    code, out, _ = call("is-synthetic", *files, "--json")
    assert code == 2 and (len(json.loads(out)["pictures"]), len(json.loads(out)["unread"])) == (1, 2)


@pytest.mark.parametrize("finished", [True, False])
def test_a_size_that_cannot_be_is_told_before_models_are_loaded(
    finished: bool, people: str, pose: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    trained(people, run, samples=4)
    if not finished:
        shutil.rmtree(run / "pipeline")
    monkeypatch.setattr(Source, "load", None)
    words = ["generate", tmp_path / "out", "--model", run, "--pose", pose, "--prompt", "a", *UNMARKED]
    assert call.line(*words, "--size", "63x64").endswith("--size 63x64 cannot be made: give multiples of 2 pixels")
