"""Lines on what can hardly be made as it was meant."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.drawing.skeleton import SEEN
from humanverse.generation import Drawing, People
from humanverse.generation.hints import few_points
from schemas.skeletons import WHOLEBODY


def people(*seen: int, unseen: float = 0.9 * SEEN) -> People:
    """One person for each number of points that are seen."""
    points = np.full((len(seen), len(WHOLEBODY), 3), 5, np.float32)
    for person, count in zip(points, seen, strict=True):
        person[:, 2] = unseen
        person[:count, 2] = 0.9
    return People(tuple(points), (10, 10))


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        ((3,), "a.json: the person has only 3 points that can be seen, which hardly guide a picture"),
        ((1,), "a.json: the person has only 1 point that can be seen, which hardly guide a picture"),
        ((17, 5), "a.json: 1 of 2 people has fewer than 6 points that can be seen (one has 5 points), which"),
        ((2, 0, 4), "a.json: 2 of 2 people have fewer than 6 points that can be seen (one has 2 points), which"),
    ],
)
def test_few_points(seen: tuple[int, ...], line: str) -> None:
    (told,) = few_points("a.json", [people(*seen)])
    assert told.startswith(line)


def test_pictures_of_a_file_are_told_of_together() -> None:
    (told,) = few_points("a.json", [people(17), people(3), people(4)])
    assert told.startswith("a.json: 2 of 3 people")


def test_enough_points_and_drawings_are_passed_over() -> None:
    beside = people(17).people[0].copy()
    beside[6:] = np.nan
    drawn = Drawing(np.zeros((8, 8, 3), np.uint8))
    assert few_points("a.json", [people(6, 17), People((beside,), (10, 10)), drawn]) == []
