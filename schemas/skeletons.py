"""Skeletons: names, sides, edges and OKS constants of the keypoint layouts.

COCO's 17 points and the 133 of COCO-WholeBody (Jin et al., ECCV 2020): 17 body, 6 feet, 68 face, 21 of each hand. "Left" is
the person's left. The OKS constants are those of COCO (body) and COCO-WholeBody (the rest), as their evaluation tools use them.
"""

from __future__ import annotations

import itertools

BODY = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")
FACE = tuple(f"face_{index}" for index in range(68))
_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


def _hand(side: str) -> tuple[str, ...]:
    return (f"{side}_hand_root", *(f"{side}_{finger}{joint}" for finger in _FINGERS for joint in (1, 2, 3, 4)))


WHOLEBODY = (*BODY, *FEET, *FACE, *_hand("left"), *_hand("right"))

PARTS = {
    "body": range(17),
    "feet": range(17, 23),
    "face": range(23, 91),
    "left_hand": range(91, 112),
    "right_hand": range(112, 133),
}
"""Slots of each part in the 133."""

BODY_EDGES = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
FEET_EDGES = ((15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22))


def _hand_edges(root: int) -> tuple[tuple[int, int], ...]:
    chains = ((root, *range(root + 1 + 4 * f, root + 5 + 4 * f)) for f in range(5))
    return tuple(edge for chain in chains for edge in itertools.pairwise(chain))


WHOLEBODY_EDGES = (*BODY_EDGES, *FEET_EDGES, *_hand_edges(91), *_hand_edges(112))
"""Lines to draw, as pairs of slots. The face is drawn as dots."""

BODY_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
)  # fmt: skip
"""COCO's per-point standard deviations, relative to the square root of the object's area."""

FEET_SIGMAS = (0.068, 0.066, 0.066, 0.092, 0.094, 0.094)
FACE_SIGMAS = (
    0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037, 0.038, 0.043, 0.041, 0.045,
    0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015, 0.009, 0.007, 0.007, 0.007, 0.012, 0.009, 0.008,
    0.016, 0.010, 0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034, 0.008, 0.008, 0.009,
    0.008, 0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007, 0.007, 0.008, 0.011, 0.008, 0.008, 0.008, 0.010, 0.008,
)  # fmt: skip
HAND_SIGMAS = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026, 0.017, 0.021, 0.021, 0.032,
    0.020, 0.019, 0.022, 0.031,
)  # fmt: skip
WHOLEBODY_SIGMAS = (*BODY_SIGMAS, *FEET_SIGMAS, *FACE_SIGMAS, *HAND_SIGMAS, *HAND_SIGMAS)
"""Those of all 133 points: the further ones as COCO-WholeBody's evaluation scripts have them."""


def _mirror(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


_FACE_MIRROR_PAIRS = (
    *((i, 16 - i) for i in range(17)),
    *((17 + i, 26 - i) for i in range(10)),
    *((i, i) for i in range(27, 31)),
    *((31 + i, 35 - i) for i in range(5)),
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46), (42, 39), (43, 38), (44, 37), (45, 36), (46, 41), (47, 40),
    *((48 + i, 54 - i) for i in range(7)),
    (55, 59), (56, 58), (57, 57), (58, 56), (59, 55),
    *((60 + i, 64 - i) for i in range(5)),
    (65, 67), (66, 66), (67, 65),
)  # fmt: skip


def _flip() -> tuple[int, ...]:
    face = dict(_FACE_MIRROR_PAIRS)
    slots = []
    for slot, name in enumerate(WHOLEBODY):
        slots.append(23 + face[slot - 23] if slot in PARTS["face"] else WHOLEBODY.index(_mirror(name)))
    return tuple(slots)


WHOLEBODY_FLIP = _flip()
"""Slot of the mirrored point: ``keypoints[:, WHOLEBODY_FLIP]`` is the skeleton of the mirrored picture."""
