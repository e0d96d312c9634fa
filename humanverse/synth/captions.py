"""Captions written from the parameters of a sample: who, how many, posture, clothes, where, from which side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from humanverse.synth.samples import Sample
    from humanverse.synth.truth import SeenPerson

_NUMBERS = {1: "One person", 2: "Two people", 3: "Three people"}
_WHERE = {"room": "in a room", "outdoors": "outdoors", "photograph": "in front of a photograph"}
_FRAMES = {"full": "", "knees": ", seen from the knees up", "waist": ", seen from the waist up"}
_VIEWS = ((35, "facing the camera"), (75, "half turned away"), (115, "seen from the side"), (181, "seen from behind"))
"""Up to so many degrees between where somebody faces and the camera, what is said of it."""


def caption(sample: Sample) -> str:
    """One to four English sentences; people are told of from left to right."""
    people = sorted(sample.people, key=lambda one: float(one.box[0] + one.box[2]))
    where = _WHERE[sample.surroundings] + _FRAMES[sample.framing]
    if len(people) == 1:
        return f"{_who(people[0], sample)} {where}."
    told = [f"{_who(one, sample)}." for one in people]
    return " ".join([f"{_NUMBERS[len(people)]} {where}.", *told])


def _who(one: SeenPerson, sample: Sample) -> str:
    """Somebody, as the beginning of a sentence."""
    looks, posture = one.person.looks, one.person.posture
    word = looks.word
    outfit = looks.outfit
    wears = f"wearing {_article(outfit.top.words)}, {outfit.bottom.words} and {outfit.shoes.words}"
    does = f"{posture.name} {posture.gesture}".strip()
    hair = f"{_article(word).capitalize()} with {looks.hair.words}"
    return f"{hair}, {does}, {view(one, sample)}, {wears}"


def view(one: SeenPerson, sample: Sample) -> str:
    """From which side somebody is seen."""
    yaw = np.radians(one.person.yaw)
    facing = np.array([np.sin(yaw), -np.cos(yaw)])
    to_camera = sample.camera.place[:2] - one.person.joints[0, :2]
    angle = np.degrees(np.arccos(np.clip(facing @ to_camera / max(float(np.linalg.norm(to_camera)), 1e-9), -1, 1)))
    return next(words for limit, words in _VIEWS if angle < limit)


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
