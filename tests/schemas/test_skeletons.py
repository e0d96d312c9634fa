"""The 133 points: counts, names and mirror images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.skeletons import (
    BODY,
    FACE_SIGMAS,
    HAND_SIGMAS,
    PARTS,
    WHOLEBODY,
    WHOLEBODY_EDGES,
    WHOLEBODY_FLIP,
    WHOLEBODY_SIGMAS,
)

ANNOTATIONS = Path(__file__).parents[3] / "shared" / "data" / "annotations"


def test_the_parts_cover_133_slots_once() -> None:
    assert [slot for part in PARTS.values() for slot in part] == list(range(133))
    assert len(set(WHOLEBODY)) == 133


def test_mirroring_twice_changes_nothing_and_swaps_sides() -> None:
    assert [WHOLEBODY_FLIP[other] for other in WHOLEBODY_FLIP] == list(range(133))
    for slot, name in enumerate(WHOLEBODY):
        if name.startswith("left_"):
            assert WHOLEBODY[WHOLEBODY_FLIP[slot]] == name.replace("left_", "right_", 1)


def test_edges_stay_inside_and_connect_a_hand_to_its_root() -> None:
    assert all(0 <= a < 133 and 0 <= b < 133 and a != b for a, b in WHOLEBODY_EDGES)
    assert sum(a == 91 for a, _ in WHOLEBODY_EDGES) == 5


def test_body_names_are_cocos() -> None:
    file = ANNOTATIONS / "person_keypoints.json"
    if not file.exists():
        pytest.skip(f"needs {file}")
    categories = json.loads(file.read_text())["categories"]
    assert tuple(categories[0]["keypoints"]) == BODY


def test_every_slot_has_an_oks_constant() -> None:
    assert len(WHOLEBODY_SIGMAS) == len(WHOLEBODY)
    hands = [WHOLEBODY_SIGMAS[part.start : part.stop] for part in (PARTS["left_hand"], PARTS["right_hand"])]
    assert hands[0] == hands[1] == HAND_SIGMAS
    assert WHOLEBODY_SIGMAS[PARTS["face"].start : PARTS["face"].stop] == FACE_SIGMAS
    assert all(0 < sigma < 0.2 for sigma in WHOLEBODY_SIGMAS)
