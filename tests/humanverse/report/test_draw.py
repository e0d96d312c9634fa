import numpy as np
import pytest

from humanverse.report import draw
from schemas.skeletons import PARTS, WHOLEBODY

GREY = np.full((200, 300, 3), 120, np.uint8)


def _person(**points: tuple[float, float, float]) -> np.ndarray:
    """133 x 3 zeros, and the named points."""
    person = np.zeros((len(WHOLEBODY), 3))
    for name, values in points.items():
        person[WHOLEBODY.index(name)] = values
    return person


def _has(image: np.ndarray, colour: tuple[int, int, int], box: tuple[int, int, int, int]) -> bool:
    x0, y0, x1, y1 = box
    part = image[y0:y1, x0:x1].astype(int)
    return bool((np.abs(part - colour).max(axis=2) <= 6).any())


def test_the_drawn_on_picture_is_left_as_it_was() -> None:
    before = GREY.copy()
    drawn = draw.boxes(draw.skeletons(GREY, [_person(nose=(50, 50, 1))]), [[10, 10, 90, 90]], [0.9])
    assert (before == GREY).all()
    assert drawn.shape == GREY.shape and drawn.dtype == np.uint8
    assert (drawn != GREY).any()


def test_limbs_have_the_colour_of_their_side() -> None:
    left = draw.skeletons(GREY, [_person(left_elbow=(40, 100, 0.9), left_wrist=(260, 100, 0.9))])
    right = draw.skeletons(GREY, [_person(right_elbow=(40, 100, 0.9), right_wrist=(260, 100, 0.9))])
    middle = draw.skeletons(GREY, [_person(left_hip=(40, 100, 0.9), right_hip=(260, 100, 0.9))])
    halfway = (140, 97, 160, 103)
    assert _has(left, draw.COLOURS["body", "left"], halfway)
    assert _has(right, draw.COLOURS["body", "right"], halfway)
    assert _has(middle, draw.COLOURS["body", "middle"], halfway)


def test_a_limb_needs_both_ends_seen() -> None:
    drawn = draw.skeletons(GREY, [_person(left_elbow=(40, 100, 0.9), left_wrist=(260, 100, 0.29))])
    assert (drawn[90:110, 60:] == GREY[90:110, 60:]).all()
    assert (drawn[:, :60] != GREY[:, :60]).any()


def test_points_below_the_threshold_or_without_a_place_are_not_drawn() -> None:
    nowhere = _person(nose=(50, 50, draw.SEEN - 0.01), left_eye=(np.nan, 5, 1), right_eye=(5, np.inf, 1))
    assert (draw.skeletons(GREY, [nowhere]) == GREY).all()


def test_the_face_is_dots_without_lines() -> None:
    person = np.zeros((len(WHOLEBODY), 3))
    slots = list(PARTS["face"])
    person[slots] = [(20 + 4 * (index % 60), 40 + 60 * (index // 60), 1) for index in range(len(slots))]
    drawn = draw.skeletons(GREY, [person])
    assert _has(drawn, draw.COLOURS["face", "middle"], (15, 35, 270, 45))
    assert (drawn[55:90] == GREY[55:90]).all()


def test_hands_are_thinner_than_arms() -> None:
    arm = draw.skeletons(GREY, [_person(left_elbow=(20, 100, 1), left_wrist=(280, 100, 1))])
    hand = draw.skeletons(GREY, [_person(left_hand_root=(20, 100, 1), left_thumb1=(280, 100, 1))])
    across = [int((image[:, 150] != GREY[:, 150]).any(axis=1).sum()) for image in (arm, hand)]
    assert 0 < across[1] < across[0]


def test_far_places_do_not_break_the_drawing() -> None:
    drawn = draw.skeletons(GREY, [_person(left_elbow=(-1e12, 100, 1), left_wrist=(150, 100, 1))])
    assert _has(drawn, draw.COLOURS["body", "left"], (60, 97, 100, 103))
    assert draw.boxes(GREY, [[-1e9, -1e9, 1e9, 1e9]], [0.5]).shape == GREY.shape


def test_a_line_lies_where_its_coordinates_say() -> None:
    drawn = draw.skeletons(GREY, [_person(left_elbow=(20, 60.5, 1), left_wrist=(280, 60.5, 1))])
    rows = np.flatnonzero((drawn[:, 150] != GREY[:, 150]).any(axis=1))
    assert rows.mean() == pytest.approx(60, abs=0.01)


def test_boxes_that_do_not_count_are_grey() -> None:
    drawn = draw.boxes(GREY, [[20, 60, 120, 180], [150, 60, 280, 180]], [0.9, 0.2], counted_from=0.4)
    assert _has(drawn, draw.BOX, (15, 170, 125, 190))
    assert not _has(drawn, draw.BOX, (145, 30, 290, 190))
    assert _has(drawn, draw.FAINT_BOX, (145, 170, 290, 190))


def test_scores_are_written_inside_the_picture() -> None:
    drawn = draw.boxes(GREY, [[290, 195, 300, 200]], [0.87])
    assert (drawn[180:, 265:] == draw.BOX).all(axis=2).sum() > 100


def test_people_without_points_are_no_error() -> None:
    assert (draw.skeletons(GREY, []) == GREY).all()
    assert (draw.boxes(GREY, [], []) == GREY).all()


def test_outlines_are_thin_and_leave_the_rest_alone() -> None:
    ground = np.full((40, 60, 3), 90, np.uint8)
    drawn = draw.outlines(ground, [(10, 5, 30, 25), (float("nan"), 0, 5, 5)])
    changed = (drawn != ground).any(axis=2)
    expected = np.zeros((40, 60), bool)
    expected[5:25, 10:30] = True
    expected[6:24, 11:29] = False
    assert np.array_equal(changed, expected)
    assert (drawn[expected] == draw.TEXT).all()
    assert (ground == 90).all()
