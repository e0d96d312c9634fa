"""Sentences about people whose points were set by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from annotators.base import Picture, Row, Unavailable
from annotators.caption.posture import Body, arms_raised, framing, posture
from annotators.caption.template import Template, TemplateSettings, sentence
from annotators.run import Runner
from humanverse.codec import encode_jpeg
from schemas.layers import KINDS
from schemas.skeletons import BODY, WHOLEBODY

STANDING = {
    "nose": (50, 20), "left_eye": (52, 17), "right_eye": (48, 17), "left_ear": (55, 18), "right_ear": (45, 18),
    "left_shoulder": (60, 35), "right_shoulder": (40, 35), "left_elbow": (63, 50), "right_elbow": (37, 50),
    "left_wrist": (64, 65), "right_wrist": (36, 65), "left_hip": (56, 65), "right_hip": (44, 65),
    "left_knee": (56, 88), "right_knee": (44, 88), "left_ankle": (56, 110), "right_ankle": (44, 110),
}  # fmt: skip
SITTING = {
    **STANDING, "left_knee": (85, 68), "right_knee": (80, 70), "left_ankle": (85, 95), "right_ankle": (80, 96),
}  # fmt: skip
LYING = {name: (y, 100 - x) for name, (x, y) in STANDING.items()}


def body(places: Mapping[str, tuple[float, float]], hidden: str = "") -> Body:
    """A body whose points are all sure, but for those whose names hold one of the words of ``hidden``."""
    points = np.array([(*places[name], 0.1 if any(word in name for word in hidden.split()) else 0.9) for name in BODY])
    return Body(points)


def test_postures() -> None:
    assert posture(body(STANDING)) == "standing"
    assert posture(body(SITTING)) == "sitting"
    assert posture(body(LYING)) == "lying down"


@pytest.mark.parametrize("hidden", ["ankle", "knee", "hip", "shoulder"])
def test_a_posture_that_is_not_shown_is_not_named(hidden: str) -> None:
    assert posture(body(STANDING, hidden)) is None


def test_framing() -> None:
    assert framing(body(STANDING)) == "from head to foot"
    assert framing(body(STANDING, "ankle knee")) == "from the waist up"
    assert framing(body(STANDING, "ankle knee hip")) == "from the chest up"
    assert framing(body(STANDING, "ankle")) is None
    assert framing(body(STANDING, "nose eye ear")) is None


def test_arms_raised() -> None:
    raised = {**STANDING, "left_wrist": (64, 5), "right_wrist": (36, 6)}
    assert arms_raised(body(raised))
    assert not arms_raised(body(raised, "left_wrist"))
    assert not arms_raised(body(STANDING))


def test_sentences() -> None:
    stands, sits, unclear = body(STANDING), body(SITTING), body(STANDING, "hip")
    assert sentence([]) == "A photo."
    assert sentence([stands]) == "A photo of one person, seen from head to foot, standing."
    assert sentence([unclear]) == "A photo of one person."
    assert sentence([stands, unclear]) == "A photo of two people, one standing."
    assert sentence([stands, stands]) == "A photo of two people, standing."
    assert sentence([stands, sits, stands]) == "A photo of three people, two standing and one sitting."
    assert sentence([unclear] * 12) == "A photo of 12 people."


def rows(scores: list[float]) -> tuple[Row, Row]:
    """A person row with these scores, and a pose row in which everybody stands."""
    points = np.zeros((len(WHOLEBODY), 3))
    points[: len(BODY)] = [(*STANDING[name], 0.9) for name in BODY]
    person = {"status": "ok", "reason": None, "scores": scores}
    return person, {"status": "ok", "reason": None, "keypoints": [points.ravel().tolist() for _ in scores]}


def test_the_layer_counts_who_is_sure_and_has_its_schema() -> None:
    picture = Picture("made", encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90))
    person, pose = rows([0.9, 0.8, 0.3])
    made = Runner(Template()).table([picture], {"person": [person], "pose": [pose]})
    assert made.schema == KINDS["caption"].schema
    assert made.to_pylist() == [
        {
            "uid": "made",
            "status": "ok",
            "reason": None,
            "text": "A photo of two people, standing.",
            "language": "en",
            "method": "template",
        }
    ]


def test_without_poses_people_are_counted_all_the_same() -> None:
    person, _ = rows([0.9, 0.5])
    missing = {"status": "failed", "reason": "no memory", "keypoints": None}
    (answer,) = Template(TemplateSettings()).annotate([], {"person": [person], "pose": [missing]})
    assert not isinstance(answer, Unavailable) and answer["text"] == "A photo of two people."


def test_without_people_there_is_no_caption() -> None:
    failed = {"status": "failed", "reason": "no memory"}
    (answer,) = Template().annotate([], {"person": [failed], "pose": [failed]})
    assert isinstance(answer, Unavailable) and "no memory" in answer.reason
