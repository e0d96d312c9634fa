"""Depth and normals from colours, and back to what stage 2 is told."""

from __future__ import annotations

import numpy as np

from humanverse.generation import coding


def test_depth_is_the_grey_of_a_picture() -> None:
    picture = np.zeros((2, 2, 3), np.float32)
    picture[0, 0], picture[1, 1] = [0.2, 0.4, 0.6], [1, 1, 1]
    np.testing.assert_allclose(coding.depth_of(picture), [[0.4, 0], [0, 1]], atol=1e-7)


def test_normals_are_unit_vectors_or_none() -> None:
    picture = np.array([[[0.5, 0.5, 1.0], [0.5, 0.9, 0.5], [0.5, 0.5, 0.7]]], np.float32)
    normal = coding.normal_of(picture)
    np.testing.assert_allclose(normal[0, :2], [[0, 0, 1], [0, 1, 0]], atol=1e-6)
    assert np.isnan(normal[0, 2]).all()


def test_stage_two_is_told_what_training_shows_it() -> None:
    normal = np.array([[[0, 0, 1], [np.nan] * 3]], np.float32)
    np.testing.assert_allclose(coding.normal_map(normal, (2, 1)), [[[0.5, 0.5, 1], [0.5, 0.5, 0.5]]])
    depth = np.array([[0.25, np.nan]], np.float32)
    np.testing.assert_allclose(coding.depth_map(depth, (2, 1)), [[[0.25] * 3, [0.5] * 3]])
    colours = np.array([[[0, 51, 255]]], np.uint8)
    np.testing.assert_allclose(coding.colour_map(colours, (1, 1)), [[[0, 0.2, 1]]], atol=1e-7)


def test_maps_are_resized_and_normals_stay_unit_vectors() -> None:
    random = np.random.default_rng(0)
    normal = random.normal(size=(8, 8, 3)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    for size in ((16, 12), (4, 4)):
        told = coding.normal_map(normal, size)
        assert told.shape == (size[1], size[0], 3)
        np.testing.assert_allclose(np.linalg.norm(2 * told - 1, axis=2), 1, atol=1e-5)
    depth = np.linspace(0, 1, 8, dtype=np.float32)[None].repeat(8, 0)
    np.testing.assert_allclose(coding.depth_map(depth, (4, 4))[0, :, 0], depth[0].reshape(4, 2).mean(1), atol=1e-6)


def test_pixels_are_rounded_and_cut_off() -> None:
    assert coding.pixels_of(np.array([-1, 0, 0.5, 1, 2], np.float32)).tolist() == [0, 0, 128, 255, 255]
