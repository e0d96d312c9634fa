"""What verify would call a problem is a failed row, and its neighbours are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from annotators.base import Annotator, Card, Picture, Row, Unavailable
from annotators.run import Runner
from humanverse.codec import encode_jpeg

WIDTH, HEIGHT = 12, 8
JPEG = encode_jpeg(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), 90)
PERSON = {"boxes": [[1, 1, 5, 5]], "scores": [0.5], "area_ratios": [0.2], "union_area_ratio": 0.2}
POSE = {"keypoints": [[0.0] * 399], "present": [[False] * 133], "scores": [0.0]}


def made(kind: str, row: Row | Unavailable, needs: Mapping[str, Row] | None = None, good: Row | None = None) -> Any:
    """What is stored of three pictures of which the second gets ``row``, the others ``good``."""

    class Fixed(Annotator):
        card = Card(kind, "fixed", 1, "", "", "", "", "")

        @property
        def batch_size(self) -> int:
            return 3

        def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Any:
            return [row if int(picture.uid) == 1 else good or Unavailable("none") for picture in pictures]

    pictures = [Picture(str(number), JPEG) for number in range(3)]
    said = {need: [one] * 3 for need, one in (needs or {}).items()}
    return Runner(Fixed()).table(pictures, said).to_pylist()


@pytest.mark.parametrize(
    ("kind", "row", "why"),
    [
        ("caption", {"txt": 3}, "it has 'txt', and a caption row has text, language, method"),
        ("caption", {"language": "en"}, "it is ok without text"),
        ("caption", {"text": " \n"}, "it has a text without a word"),
        ("caption", {"text": "a", "status": "ok"}, "it has 'status', and"),
        ("aesthetic", {"score": float("nan")}, "it has a score that is not a number"),
        ("safety", {"unsafe": 1.5}, "it has unsafe outside [0, 1]"),
        ("person", {**PERSON, "scores": [0.5, 0.4]}, "it has not as many scores as boxes"),
        ("person", {**PERSON, "scores": [7.0]}, "it has scores outside [0, 1]"),
        ("person", {**PERSON, "boxes": [[1, 1, 5]]}, "its boxes cannot be stored as list<"),
        ("person", {**PERSON, "boxes": [[1, 1, 99, 5]]}, "it has boxes outside the picture"),
        ("person", {**PERSON, "boxes": [[5, 1, 1, 5]]}, "it has boxes turned inside out"),
        ("depth", {"depth": np.ones((2, 3))}, "it has 'depth', and a depth row has map_width"),
    ],
)
def test_a_wrong_row_is_failed_and_the_column_is_named(kind: str, row: Row, why: str) -> None:
    before, found, after = made(kind, row)
    assert found["status"] == "failed" and found["reason"].startswith(f"not a row of its kind: {why}")
    assert {name for name, value in found.items() if value is not None} == {"uid", "status", "reason"}
    assert before["status"] == after["status"] == "unavailable"


def test_other_people_than_the_person_layer_has() -> None:
    found = made("pose", POSE, {"person": {"boxes": [[0, 0, 1, 1]] * 2}})[1]
    assert found["reason"] == "not a row of its kind: it has 1 keypoints for the 2 people of its person layer"


def test_neighbours_are_kept_as_they_are() -> None:
    expected = made("person", PERSON, good=PERSON)
    assert [row["status"] for row in expected] == ["ok"] * 3
    assert made("person", {**PERSON, "scores": [2.0]}, good=PERSON)[::2] == expected[::2]
    assert made("pose", POSE, {"person": {"boxes": [[0, 0, 1, 1]]}})[1]["status"] == "ok"


def test_silence_always_has_a_reason() -> None:
    assert made("caption", Unavailable(""))[1]["reason"] == "it gave no reason"
