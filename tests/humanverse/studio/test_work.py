"""What the buttons do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.generation import Generator, Skeleton, marks
from humanverse.studio.work import ANY_SIZE, Studio, Wish
from tests.humanverse.generation import tiny

WISH = Wish("a b c", count=2, seed=3, steps=2)


def test_pictures_are_those_of_generate_and_come_one_by_one(studio: Studio, structure: Path, refiner: Path) -> None:
    shares: list[float] = []
    first, second, last = [replace(made) for made in studio.make(WISH, tiny.people(), shares.append)]
    assert [first.message, second.message] == ["1 of 2 pictures", "2 of 2 pictures"]
    assert last.message.startswith("2 pictures in ")
    titles = [title for _, title in last.shown]
    outputs = ["skeleton", "RGB", "depth", "normal", "refined"]
    assert titles == [f"{output} · seed {seed}" for seed in (3, 4) for output in outputs]
    assert len(outputs) == studio.outputs and shares == sorted(shares) and shares[-1] == 1
    (alone,) = Generator(structure, refiner, device="cpu", mark=False).generate([tiny.request(4)])
    shown = {title: file for file, title in last.shown}
    assert np.array_equal(np.asarray(Image.open(shown["RGB · seed 4"])), alone.rgb)
    assert alone.refined is not None
    assert np.array_equal(np.asarray(Image.open(shown["refined · seed 4"])), alone.refined)
    card = json.loads(Path(last.files[-1]).read_text())
    assert (card["seed"], card["prompt"], card["steps"]) == (4, "a b c", 2) and len(last.files) == 12
    assert marks.look(Path(shown["RGB · seed 4"])).source_type == marks.TRAINED
    assert (studio.folder.path / "index.html").is_file()


def test_what_is_there_is_not_made_again(studio: Studio) -> None:
    *_, once = studio.make(replace(WISH, count=1), tiny.people())
    written = {file: Path(file).stat().st_mtime_ns for file in once.files}
    *_, both = studio.make(WISH, tiny.people())
    assert both.message.endswith(", 1 of them was there") and both.files[:6] == once.files
    assert {file: Path(file).stat().st_mtime_ns for file in once.files} == written


def test_sizes(studio: Studio) -> None:
    assert studio.sizes == [ANY_SIZE, "64x64"] and studio.frame == (64, 64)
    *_, made = studio.make(replace(WISH, count=1, size="48x64", original="96x128", steps=1), tiny.people())
    assert {Image.open(file).size for file, title in made.shown if "refined" not in title} == {(48, 64)}
    assert json.loads(Path(made.files[-1]).read_text())["original"] == [96, 128]
    (request,) = studio.requests(replace(WISH, count=1, size=ANY_SIZE, original=""), tiny.people())
    assert (request.size, request.original) == ((64, 64), None)


def test_the_end_of_a_prompt_that_is_not_read_is_told(studio: Studio) -> None:
    long = replace(WISH, prompt="a b c d e f g h a", count=1, steps=1)
    lines = [made.message.splitlines() for made in studio.make(long, tiny.people())]
    assert [len(told) for told in lines] == [2, 2] and lines[1][0].startswith("1 picture in ")
    assert all('does not read its end "g h a": make it shorter' in told[1] for told in lines)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"prompt": "  "}, "there is no prompt"),
        ({"prompt": None}, "there is no prompt"),
        ({"count": 17}, "17 pictures: ask for 1 to 16"),
        ({"count": 0}, "0 pictures"),
        ({"seed": None}, "seed is empty: give a number"),
        ({"seed": 1.5}, "seed 1.5: give a whole number"),
        ({"seed": -1}, "seed -1: give 0 to"),
        ({"seed": 2**32 - 1}, "seed 4294967295: give 0 to"),
        ({"steps": 0}, "0 steps"),
        ({"guidance": 0.5}, "guidance 0.5"),
        ({"rescale": 2}, "rescale 2"),
        ({"size": "big"}, "size big: write WIDTHxHEIGHT"),
        ({"size": "0x64"}, "size 0x64"),
        ({"original": "1"}, "size 1: write WIDTHxHEIGHT"),
        ({"size": "60x60"}, "multiples of 8"),
    ],
)
def test_what_cannot_be_is_one_line(studio: Studio, changed: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        list(studio.make(replace(WISH, **changed), tiny.people()))


def test_a_model_that_is_gone_is_one_line_unless_it_is_loaded(tmp_path: Path) -> None:
    folder = tiny.structure(tmp_path / "structure")
    loaded = Studio(Generator(folder, device="cpu", mark=False), tmp_path / "others")
    loaded.generator.load()
    studio = Studio(Generator(folder, device="cpu", mark=False), tmp_path / "pictures")
    assert studio.outputs == 4 and studio.offered(0) == []
    folder.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"structure is not there any more: give another$"):
        list(studio.make(WISH, tiny.people()))
    *_, made = loaded.make(WISH, tiny.people())
    assert len(made.shown) == 8


class Few:
    """``Search`` in which there are but ``there`` skeletons."""

    def __init__(self, there: int) -> None:
        self.there, self.asked = there, list[int]()

    def __call__(self, prompt: str, n: int, seed: int) -> Sequence[Skeleton]:
        self.asked.append(n)
        if not self.there:
            raise UserError(f"{prompt}: none")
        return [tiny.people(prompt)] * min(n, self.there)


@pytest.mark.parametrize(("there", "given"), [(20, 12), (5, 5), (1, 1)])
def test_as_many_are_found_as_there_are(studio: Studio, there: int, given: int) -> None:
    studio.search = search = Few(there)
    found = studio.found("a woman", 0)
    assert search.asked == [12] and len(found) == given and found[0].caption == "a woman"


def test_finding_none_is_one_line_after_one_search(studio: Studio) -> None:
    studio.search = search = Few(0)
    with pytest.raises(UserError, match=r"^a woman: none"):
        studio.found("a woman", 0)
    assert search.asked == [12]
    with pytest.raises(UserError, match="say what is to be seen"):
        studio.found(" ", 0)
