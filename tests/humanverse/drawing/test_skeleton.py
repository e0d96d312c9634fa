"""The drawn skeleton: known points give known pixels, and colours that a trained model relies on do not move."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from humanverse.drawing.skeleton import LIMB_COLOURS, POINT_COLOURS, draw_skeleton
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_EDGES

SIZE = 512


def _person(**places: tuple[float, float]) -> np.ndarray:
    points = np.zeros((len(WHOLEBODY), 3))
    for name, place in places.items():
        points[WHOLEBODY.index(name)] = (*place, 1.0)
    return points


def _edge(a: str, b: str) -> tuple[int, int]:
    return WHOLEBODY.index(a), WHOLEBODY.index(b)


def test_nobody_is_black() -> None:
    assert not draw_skeleton([], 3, 5).any()
    assert draw_skeleton([], 3, 5).shape == (3, 5, 3)


def test_a_limb_lies_between_its_ends_in_its_colour() -> None:
    drawn = draw_skeleton([_person(left_hip=(100.5, 100.5), left_knee=(100.5, 300.5))], SIZE, SIZE)
    assert tuple(drawn[200, 100]) == LIMB_COLOURS[_edge("left_knee", "left_hip")]
    assert tuple(drawn[100, 100]) == POINT_COLOURS[WHOLEBODY.index("left_hip")]
    assert tuple(drawn[300, 100]) == POINT_COLOURS[WHOLEBODY.index("left_knee")]
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert (rows.min() + rows.max()) / 2 == 200 and (columns.min() + columns.max()) / 2 == 100


@pytest.mark.parametrize(("side", "width"), [(128, 1), (512, 4), (1024, 8)])
def test_widths_grow_with_the_picture(side: int, width: int) -> None:
    person = _person(left_hip=(side / 2, side / 4), left_knee=(side / 2, side * 3 / 4))
    row = draw_skeleton([person], side, 2 * side)[side // 2].max(axis=1)
    assert abs(row.sum() / 255 - width) <= 1.5, "anti-aliased edges add up to one and a half pixels"


@pytest.mark.parametrize("missing", [(np.nan, 300.0, 1.0), (100.0, 300.0, 0.29), (100.0, np.inf, 1.0)])
def test_a_point_that_is_not_seen_takes_its_limbs_along(missing: tuple[float, float, float]) -> None:
    person = _person(left_hip=(100, 100))
    alone = draw_skeleton([person], SIZE, SIZE)
    person[WHOLEBODY.index("left_knee")] = missing
    np.testing.assert_array_equal(draw_skeleton([person], SIZE, SIZE), alone)


def test_the_threshold_is_the_callers() -> None:
    person = _person(nose=(100, 100))
    person[0, 2] = 0.1
    assert not draw_skeleton([person], SIZE, SIZE).any()
    assert draw_skeleton([person], SIZE, SIZE, seen=0.1).any()


def test_the_first_person_is_on_top() -> None:
    first = _person(nose=(100.5, 100.5))
    second = _person(left_eye=(100.5, 100.5))
    assert tuple(draw_skeleton([first, second], SIZE, SIZE)[100, 100]) == POINT_COLOURS[0]
    assert tuple(draw_skeleton([second, first], SIZE, SIZE)[100, 100]) == POINT_COLOURS[1]


def test_people_may_be_flat_and_partly_outside() -> None:
    person = _person(left_shoulder=(-1e9, 20), right_shoulder=(30, 20))
    assert draw_skeleton([person.ravel().tolist()], 64, 64).any()


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_part_is_drawn(part: str) -> None:
    for slot in PARTS[part]:
        person = _person(**{WHOLEBODY[slot]: (100.5, 100.5)})
        assert tuple(draw_skeleton([person], SIZE, SIZE)[100, 100]) == POINT_COLOURS[slot]


def test_colours_tell_limbs_apart() -> None:
    body = [colour for edge, colour in LIMB_COLOURS.items() if edge[1] < 91]
    distances = [np.abs(np.subtract(a, b)).max() for i, a in enumerate(body) for b in body[:i]]
    assert min(distances) >= 20
    left, right = (LIMB_COLOURS[_edge(f"{side}_hand_root", f"{side}_thumb1")] for side in ("left", "right"))
    assert left != right


def test_the_palette_is_the_one_that_models_were_trained_with() -> None:
    told = repr((sorted(LIMB_COLOURS.items()), sorted(POINT_COLOURS.items())))
    assert set(LIMB_COLOURS) == set(WHOLEBODY_EDGES) and len(POINT_COLOURS) == 133
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == "2059d42534ce20d0"
