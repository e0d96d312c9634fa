"""Captions written from the parameters of a sample: who, how many, posture, clothes, where, from which side.

Only what is seen is told of: clothes and hair of which there are pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from humanverse.synth.truth import LABELS

if TYPE_CHECKING:
    from humanverse.synth.samples import Sample
    from humanverse.synth.truth import SeenPerson

_NUMBERS = {1: "One person", 2: "Two people", 3: "Three people"}
_WHERE = {"room": "in a room", "outdoors": "outdoors", "photograph": "in front of a photograph"}
_FRAMES = {"full": "", "knees": ", seen from the knees up", "waist": ", seen from the waist up"}
_VIEWS = ((35, "facing the camera"), (75, "half turned away"), (115, "seen from the side"), (181, "seen from behind"))
"""Up to so many degrees between where somebody faces and the camera, what is said of it."""
_LEAST = 0.01
"""Share of a person's pixels from which something of it counts as seen."""
_SHOES = ("Left_Shoe", "Right_Shoe")


def caption(sample: Sample) -> str:
    """One to four English sentences; people are told of from left to right."""
    order = sorted(range(len(sample.people)), key=lambda number: float(sample.people[number].box[[0, 2]].sum()))
    where = _WHERE[sample.surroundings] + _FRAMES[sample.framing]
    if len(order) == 1:
        return f"{_who(sample, order[0])}, {where}."
    told = [f"{_who(sample, number)}." for number in order]
    return " ".join([f"{_NUMBERS[len(order)]} {where}.", *told])


def _who(sample: Sample, number: int) -> str:
    """Somebody, as the beginning of a sentence."""
    one = sample.people[number]
    looks, posture, shown = one.person.looks, one.person.posture, _shown(sample, number)
    bald = looks.hair.name == "no" and "Face_Neck" in shown
    hair = f" with {looks.hair.words}" if bald or "Hair" in shown else ""
    joined = " and " if posture.gesture.startswith("reaching") else " "
    does = f"{posture.name}{joined if posture.gesture else ''}{posture.gesture}"
    worn = _listed(_worn(one, shown))
    return ", ".join(
        [f"{_article(looks.word).capitalize()}{hair}", does, view(one, sample), *([f"wearing {worn}"] if worn else [])]
    )


def _shown(sample: Sample, number: int) -> set[str]:
    """Names of the labels of which somebody has enough pixels."""
    labels, counts = np.unique(sample.labels[sample.owners == number], return_counts=True)
    return {LABELS[label] for label, count in zip(labels, counts, strict=True) if count >= _LEAST * counts.sum()}


def _worn(one: SeenPerson, shown: set[str]) -> list[str]:
    outfit = one.person.looks.outfit
    top = [_article(outfit.top.words)] if "Upper_Clothing" in shown else []
    bottom = [outfit.bottom.words] if "Lower_Clothing" in shown else []
    return [*top, *bottom, *([outfit.shoes.words] if shown.intersection(_SHOES) else [])]


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def view(one: SeenPerson, sample: Sample) -> str:
    """From which side somebody is seen."""
    yaw = np.radians(one.person.yaw)
    facing = np.array([np.sin(yaw), -np.cos(yaw)])
    to_camera = sample.camera.place[:2] - one.person.joints[0, :2]
    angle = np.degrees(np.arccos(np.clip(facing @ to_camera / max(float(np.linalg.norm(to_camera)), 1e-9), -1, 1)))
    return next(words for limit, words in _VIEWS if angle < limit)


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
