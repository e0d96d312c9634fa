"""The standing figure that is added to the canvas, and which points move along when one of a person is dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from schemas.skeletons import BODY, FEET, PARTS, WHOLEBODY

_MIDDLE: Mapping[str, tuple[float, float]] = {"nose": (0, 0.08)}
_LEFT: Mapping[str, tuple[float, float]] = {
    "eye": (0.017, 0.065),
    "ear": (0.038, 0.075),
    "shoulder": (0.105, 0.19),
    "elbow": (0.15, 0.34),
    "wrist": (0.17, 0.48),
    "hip": (0.065, 0.52),
    "knee": (0.075, 0.73),
    "ankle": (0.08, 0.94),
    "heel": (0.07, 0.965),
    "big_toe": (0.1, 1.0),
    "small_toe": (0.125, 0.985),
}
"""Points of the figure's left half: x from its middle, y from the top of its head, in heights of the figure."""
STANDING_HEIGHT = 0.85
"""Height of a figure that is added, in heights of the frame."""
HANDLES = tuple(range(len(BODY) + len(FEET)))
"""Slots of the points that can be dragged: body and feet."""


def standing() -> np.ndarray:
    """Somebody who stands and faces the camera, without face and hands.

    Returns:
        float32 (133, 3): x from the middle of the figure, to the right, y from the top of its head, down, both in heights of the
        figure; confidence 1, and 0 for points that it does not have.
    """
    points = np.zeros((len(WHOLEBODY), 3), np.float32)
    for slot in HANDLES:
        side, _, rest = WHOLEBODY[slot].partition("_")
        x, y = _MIDDLE.get(WHOLEBODY[slot]) or _LEFT[rest]
        points[slot] = (-x if side == "right" else x, y, 1)
    return points


def _followers() -> dict[int, Sequence[int]]:
    of = {name: slot for slot, name in enumerate(WHOLEBODY)}
    head = [of[f"{side}_{part}"] for side in ("left", "right") for part in ("eye", "ear")]
    found: dict[int, Sequence[int]] = {of["nose"]: [*head, *PARTS["face"]]}
    for side in ("left", "right"):
        found[of[f"{side}_wrist"]] = list(PARTS[f"{side}_hand"])
        found[of[f"{side}_ankle"]] = [of[f"{side}_{part}"] for part in ("big_toe", "small_toe", "heel")]
    return found


FOLLOWERS = _followers()
"""Slot of a point -> those that move along with it: a wrist takes its hand, an ankle its foot, the nose the head."""
