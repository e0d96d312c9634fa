"""Skeletons in any frame: whole, in the middle, never distorted, drawn as in training."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.drawing.skeleton import draw_skeleton
from humanverse.errors import UserError
from humanverse.generation.skeletons import Drawing, People, fitted
from tests.datasets import skeleton

BOX = (10, 20, 90, 180)


@pytest.mark.parametrize(
    ("size", "into", "expected"),
    [
        ((100, 200), (100, 200), (1, 0, 0)),
        ((100, 200), (200, 400), (2, 0, 0)),
        ((100, 200), (200, 200), (1, 50, 0)),
        ((200, 100), (100, 100), (0.5, 0, 25)),
    ],
)
def test_a_frame_is_whole_and_in_the_middle_of_another(
    size: tuple[int, int], into: tuple[int, int], expected: tuple[float, float, float]
) -> None:
    assert fitted(size, into) == expected


def test_keypoints_are_scaled_and_padded() -> None:
    people = People.of([skeleton(BOX)], (100, 200))
    given = np.array(skeleton(BOX)).reshape(133, 3)
    (placed,) = people.placed((64, 64))
    np.testing.assert_allclose(placed[:, 0], given[:, 0] * 0.32 + 16, atol=1e-4)
    np.testing.assert_allclose(placed[:, 1], given[:, 1] * 0.32, atol=1e-4)
    np.testing.assert_allclose(placed[:, 2], given[:, 2], atol=1e-6)
    assert np.array_equal(people.drawn((64, 64)), draw_skeleton([placed], 64, 64))


def test_lines_have_the_width_of_the_drawn_size() -> None:
    """As where the picture had been of that size from the beginning."""
    small, large = People.of([skeleton(BOX)], (100, 200)), People.of([np.array(skeleton(BOX)) * 4], (400, 800))
    large.people[0][:, 2] /= 4
    assert np.array_equal(small.drawn((300, 600)), large.drawn((300, 600)))


def test_without_a_size_the_frame_is_a_box_around_what_is_seen() -> None:
    points = np.zeros((133, 3))
    points[:3] = [[100, 50, 1], [180, 210, 1], [900, 900, 0.1]]
    people = People.of([points])
    assert people.size == (120, 200)
    np.testing.assert_allclose(people.people[0][:2, :2], [[20, 20], [100, 180]])


@pytest.mark.parametrize("people", [[], [np.zeros((133, 3))]])
def test_nobody_is_refused(people: list[np.ndarray]) -> None:
    with pytest.raises(UserError, match="no people"):
        People.of(people)


def test_a_drawing_is_used_as_it_is_and_padded_with_black() -> None:
    pixels = np.full((20, 40, 3), 200, np.uint8)
    drawing = Drawing(pixels)
    assert drawing.drawn((40, 20)) is pixels and drawing.placed((40, 20)) == []
    padded = drawing.drawn((80, 80))
    assert padded.shape == (80, 80, 3)
    assert (padded[20:60] == 200).all() and not padded[:20].any() and not padded[60:].any()
