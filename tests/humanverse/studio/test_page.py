"""The functions behind the page's events, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio", reason="Gradio is not installed")

import gradio as gr

from humanverse.errors import UserError
from humanverse.studio import canvas
from humanverse.studio.page import Page, build
from humanverse.studio.work import Studio
from tests.humanverse.generation import tiny

FIELDS = ("a b c", 1, 0, 2, 7.5, 0.7, None, None, None)


def silent(share: float, desc: str = "") -> None:
    """In place of Gradio's bar."""


def test_offered_and_chosen(studio: Studio) -> None:
    page = Page(studio)
    gallery, offered, message = page.offer()
    assert len(gallery) == len(offered) == 8 and message == ""
    assert all(picture.dtype == np.uint8 and caption for picture, caption in gallery)
    shown, chosen, prompt, _ = page.choose(3, offered, " ")
    assert chosen is offered[3] and prompt == chosen.caption and json.loads(shown)["width"] == 320
    assert page.choose(3, offered, "a man")[2] == "a man"


def test_finding_tells_in_a_line_what_is_wrong(studio: Studio) -> None:
    def search(prompt: str, n: int, seed: int) -> list[object]:
        if prompt == "a dog":
            raise UserError("none is known")
        return [tiny.people(prompt)] * 3

    studio.search = search  # type: ignore[assignment]
    assert [len(part) for part in Page(studio).find("a man")] == [3, 3, 0]
    assert Page(studio).find("a dog") == ([], [], "none is known")
    assert Page(studio).find("") == ([], [], "say what is to be seen: skeletons are found by the prompt")


def test_uploads(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text(json.dumps([{"image_id": number, "keypoints": [5.0, 5, 1] * 17} for number in (4, 5)]))
    shown, chosen, message = Page(studio).upload(str(path), "before", None)
    assert json.loads(shown)["people"] and chosen is not None
    assert message == "people.json has 2 pictures: this is the first"
    path.write_text(json.dumps([[5.0, 5, 1] * 3 + [0.0] * 42]))
    assert Page(studio).upload(str(path), "before", None)[2].startswith("people.json: the person has only 3 points")
    path.write_text("{")
    again = Page(studio).upload(str(path), shown, chosen)
    assert again[:2] == (shown, chosen) and again[2].startswith("people.json is not JSON")
    assert Page(studio).upload(None, shown, chosen) == (shown, chosen, "")


def test_generating_ends_with_pictures_or_with_a_line(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    page, shown = Page(studio), canvas.standing_in((64, 64))
    *_, (pictures, files, message) = page.generate(shown, None, *FIELDS, progress=silent)  # type: ignore[arg-type]
    assert len(pictures) == 5 and len(files) == 6 and message.startswith("1 picture in ")
    nobody = list(page.generate(canvas.empty((64, 64)), None, *FIELDS, progress=silent))  # type: ignore[arg-type]
    assert nobody == [([], [], canvas.NOBODY)]

    def broken(*given: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(studio, "make", broken)
    ((_, _, told),) = page.generate(shown, None, *FIELDS, progress=silent)  # type: ignore[arg-type]
    assert told.endswith("RuntimeError: two lines")


def test_the_page_has_samples_if_there_is_a_dataset(studio: Studio) -> None:
    def names(blocks: gr.Blocks) -> set[str]:
        return {str(one.elem_id) for one in blocks.blocks.values() if getattr(one, "elem_id", None)}

    whole = names(build(studio))
    assert {"canvas", "prompt", "seed", "steps", "guidance", "size", "generate", "pictures", "files"} <= whole
    studio.samples = None
    assert whole - names(build(studio)) == {"samples", "others", "find"}
