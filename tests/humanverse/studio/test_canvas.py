"""What the canvas shows, and the skeleton that it gives back."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.generation import Drawing, People
from humanverse.studio import canvas
from schemas.skeletons import PARTS, WHOLEBODY
from tests.humanverse.generation import tiny


def test_a_skeleton_that_was_not_changed_comes_back_as_it_is() -> None:
    people = tiny.people()
    shown = canvas.showing(people)
    told = json.loads(shown)
    assert (told["width"], told["height"], told["edited"], told["picture"]) == (48, 48, False, None)
    assert np.allclose(told["people"], people.people, atol=0.01)
    assert canvas.skeleton_on(shown, people) is people


def test_what_was_changed_by_hand_says_so_and_what_it_was_begun_with() -> None:
    people = People.of(tiny.people().people, (48, 48), source={"kind": "sample", "uid": "1"})
    told = json.loads(canvas.showing(people))
    told["edited"] = True
    told["people"][0][9] = [1.5, 2.5, 1]
    drawn = canvas.skeleton_on(json.dumps(told), people)
    assert drawn.placed((48, 48))[0][9].tolist() == [1.5, 2.5, 1]
    assert drawn.source == {"kind": "drawn by hand", "begun_with": {"kind": "sample", "uid": "1"}}
    assert canvas.skeleton_on(json.dumps(told), None).source["begun_with"] is None


def test_a_figure_stands_in_the_middle() -> None:
    skeleton = canvas.skeleton_on(canvas.standing_in((100, 200)), None)
    (person,) = skeleton.placed((100, 200))
    assert skeleton.size == (100, 200)
    assert person[0, 0] == pytest.approx(50) and np.ptp(person[person[:, 2] > 0, 1]) < 170
    assert person[PARTS["feet"], 1].max() == pytest.approx(185, abs=0.01) and not person[PARTS["face"]].any()


def test_a_drawing_is_shown_as_a_picture_and_comes_back_whole() -> None:
    drawing = Drawing(tiny.people().drawn((1536, 768)))
    told = json.loads(canvas.showing(drawing))
    assert told["people"] == [] and (told["width"], told["height"]) == (1536, 768)
    head, _, data = told["picture"].partition(",")
    assert head == "data:image/png;base64" and Image.open(io.BytesIO(base64.b64decode(data))).size == (768, 384)
    assert canvas.skeleton_on(json.dumps(told), drawing) is drawing


def test_points_that_are_not_finite_are_not_known() -> None:
    points = tiny.people().people[0].copy()
    points[3] = np.nan
    told = json.loads(canvas.showing(People((points,), (48, 48))))
    assert told["people"][0][3] == [0, 0, 0]


_PERSON = [[1.0, 1.0, 1.0]] * len(WHOLEBODY)


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ({"people": []}, "there is no skeleton yet: add a person"),
        ({"people": [[[1, 1, 0]] * len(WHOLEBODY)]}, "no people with points that are seen"),
        ({"people": [_PERSON[:-1]]}, "is no skeleton: reload the page"),
        ({"people": [[*_PERSON[:-1], [1, 2]]]}, "is no skeleton"),
        ({"people": [[*_PERSON[:-1], [1, 2, "NaN"]]]}, "is no skeleton"),
        ({"people": [_PERSON] * 65}, "is no skeleton"),
        ({"width": 0}, "is no skeleton"),
        ({"width": 10**9}, "is no skeleton"),
        ({"nonsense": 1}, "is no skeleton"),
    ],
)
def test_what_is_no_skeleton_is_one_line(sent: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        canvas.skeleton_on(json.dumps({"width": 10, "height": 10, "people": [_PERSON], "edited": True, **sent}), None)


@pytest.mark.parametrize("sent", [None, "", "{", "[]"])
def test_nor_is_anything_else(sent: str | None) -> None:
    with pytest.raises(UserError, match="is no skeleton: reload the page"):
        canvas.skeleton_on(sent, None)


def test_the_script_is_told_how_skeletons_are_drawn() -> None:
    told = canvas.props()
    assert len(told["dots"]) == len(told["flip"]) == len(WHOLEBODY) and len(told["figure"]) == len(WHOLEBODY)
    assert json.loads(json.dumps(told)) == told
    assert all(f"props.{name}" in canvas.part("js") for name in told)
