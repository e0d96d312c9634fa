"""Sapiens' 308 points as the 133: every slot once, sides with sides, and what there is no point for."""

from __future__ import annotations

import re

from annotators.pose.goliath import COUNT, COUNTERPARTS, FACE
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_FLIP

JAW = [23 + point for point in range(17) if point != 8]
NOSTRILS = [23 + 32, 23 + 34]
SWAPPED = {"1": "2", "2": "1", "3": "6", "4": "5", "5": "4", "6": "3"}
"""Numbers of points on a line that runs from the person's right to the left, in the mirror."""


def test_every_slot_is_filled_once_but_the_jaw_and_the_nostrils() -> None:
    assert list(COUNTERPARTS) == sorted(set(range(133)) - {*JAW, *NOSTRILS})
    assert all(0 <= number < COUNT for number in COUNTERPARTS.values())


def test_no_point_serves_two_slots_but_the_wrists_as_roots_of_the_hands() -> None:
    shared = {
        frozenset(slot for slot, other in COUNTERPARTS.items() if other == number) for number in COUNTERPARTS.values()
    }
    named = sorted(sorted(WHOLEBODY[slot] for slot in slots) for slots in shared if len(slots) > 1)
    assert named == [["left_hand_root", "left_wrist"], ["right_hand_root", "right_wrist"]]


def test_body_feet_and_hands_are_at_the_published_numbers() -> None:
    """As in ``keypoints308.py``: 15 of the body, 6 of the feet, 21 of the right hand from the thumb's tip, 21 of the left."""
    at = {WHOLEBODY[slot]: number for slot, number in COUNTERPARTS.items()}
    published = {
        "nose": 0, "left_eye": 1, "right_ear": 4, "left_shoulder": 5, "right_elbow": 8, "left_hip": 9, "right_knee": 12,
        "left_ankle": 13, "right_ankle": 14, "left_big_toe": 15, "left_small_toe": 16, "left_heel": 17, "right_big_toe": 18,
        "right_heel": 20, "right_thumb4": 21, "right_thumb1": 24, "right_forefinger4": 25, "right_middle_finger1": 32,
        "right_ring_finger2": 35, "right_pinky_finger1": 40, "right_wrist": 41, "left_thumb4": 42, "left_thumb1": 45,
        "left_forefinger1": 49, "left_pinky_finger4": 58, "left_pinky_finger1": 61, "left_wrist": 62,
    }  # fmt: skip
    assert {name: at[name] for name in published} == published


def mirrored(name: str) -> str:
    """The name of the mirror image of one of Goliath's points, as its list of mirror pairs has it."""
    turned = re.sub(r"\b[lr](?=_)|(?<=_)[lr](?=_)", lambda side: {"l": "r", "r": "l"}[side[0]], name)
    on_a_brow_or_the_nose = "eyebrow" in name or "bridge" in name
    return turned if on_a_brow_or_the_nose else re.sub(r"(?<=midpoint_)\d", lambda number: SWAPPED[number[0]], turned)


def test_the_mirror_image_of_a_slot_is_the_mirror_image_of_its_point() -> None:
    for point, (_, name) in FACE.items():
        slot = WHOLEBODY_FLIP[23 + point]
        assert FACE[slot - 23][1] == mirrored(name), (point, name)
    body = {slot: number for slot, number in COUNTERPARTS.items() if slot not in PARTS["face"]}
    assert {WHOLEBODY_FLIP[slot] for slot in body} == set(body)


def test_sides_of_the_face_are_the_persons() -> None:
    """iBUG's points 17 to 21 and 36 to 41 are the person's right brow and eye, 22 to 26 and 42 to 47 the left ones."""
    for points, side in (((*range(17, 22), *range(36, 42)), "r"), ((*range(22, 27), *range(42, 48)), "l")):
        assert all(f"{side}_" in FACE[point][1].replace("_of_", "_") for point in points)
        assert all("brow" in FACE[point][1] for point in points[:5])
        assert all("lash" in FACE[point][1] for point in points[5:])
