"""The flip test: what is said of the mirror image comes back to where it belongs."""

from __future__ import annotations

import numpy as np

from annotators.structure.inputs import CHANNELS, drawn_poses, planes
from annotators.structure.mirroring import back, both_ways, mirrored
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP

SIDE = 64


def points(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made = np.concatenate([rng.uniform(0.1, 0.9, (2, len(WHOLEBODY), 2)), np.ones((2, len(WHOLEBODY), 1))], axis=2)
    made[:, 23:, 2] = 0
    return made


def test_a_mirrored_input_is_that_of_the_mirrored_picture() -> None:
    rng = np.random.default_rng(0)
    rgb, mask = rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8), rng.random((SIDE, SIDE))
    people, boxes = points(1), np.array([[0.125, 0.25, 0.5, 0.75]])
    turned = people[:, list(WHOLEBODY_FLIP)] * (-1, 1, 1) + (1, 0, 0)
    there = planes(rgb[:, ::-1], mask[:, ::-1], turned, boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (1, 0, 1, 0))
    here = mirrored(planes(rgb, mask, people, boxes)[None])[0]
    same = [0, 1, 2, 6, 7]
    np.testing.assert_allclose(here[same], there[same], atol=1e-6)
    assert np.abs(here[3:6] - there[3:6]).mean() < 0.03
    assert np.abs(drawn_poses(people, SIDE).astype(int) - drawn_poses(turned, SIDE)).mean() > 10


def test_mirrored_twice_is_as_before() -> None:
    rng = np.random.default_rng(0)
    inputs, said = rng.random((2, CHANNELS, 8, 8)), rng.random((2, 5, 8, 8))
    np.testing.assert_array_equal(mirrored(mirrored(inputs)), inputs)
    np.testing.assert_array_equal(back(back(said)), said)


def test_a_network_that_treats_sides_alike_says_the_same_both_ways() -> None:
    def alike(inputs: np.ndarray) -> np.ndarray:
        slope = inputs[:, 3] - inputs[:, 4]
        normal = np.stack([slope, inputs[:, 6], np.ones_like(slope)], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        return np.concatenate([inputs[:, :1], normal, inputs[:, 7:]], axis=1)

    inputs = np.random.default_rng(2).random((3, CHANNELS, 8, 8))
    np.testing.assert_allclose(both_ways(alike, inputs), alike(inputs), atol=1e-12)


def test_an_error_to_one_side_is_averaged_out() -> None:
    def leans(inputs: np.ndarray) -> np.ndarray:
        made = np.zeros((len(inputs), 5, 8, 8))
        made[:, 0], made[:, 1], made[:, 3] = np.arange(8), 0.6, 0.8
        return made

    said = both_ways(leans, np.zeros((1, CHANNELS, 8, 8)))[0]
    np.testing.assert_allclose(said[0], 3.5)
    np.testing.assert_allclose(said[1:4], np.broadcast_to(np.array([0, 0, 1]).reshape(3, 1, 1), (3, 8, 8)), atol=1e-12)
