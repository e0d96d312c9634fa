"""A sample's place in a batch."""

from __future__ import annotations

import numpy as np

from humanverse.loading.sample import Layers, Slots, stand_ins, to_range


def test_a_sample_that_cannot_be_had_is_stood_in_for_by_the_next_around_the_end() -> None:
    assert stand_ins([True, False, False, True, False]) == {1: 3, 2: 3, 4: 0}
    assert stand_ins([True, True]) == {}
    assert stand_ins([False, False]) == {}


def test_pixels_are_brought_to_minus_one_to_one() -> None:
    pixels = np.array([[[0, 51, 255], [127, 128, 204]]], np.uint8)
    out = np.empty((3, 1, 2), np.float32)
    to_range(pixels, out)
    np.testing.assert_allclose(out[:, 0, 0], [-1, -0.6, 1], atol=1e-6)
    np.testing.assert_allclose(out[:, 0, 1], [127 / 127.5 - 1, 128 / 127.5 - 1, 0.6], atol=1e-6)


def test_a_batch_has_a_place_for_each_layer_and_repeats_all_of_a_sample() -> None:
    slots = Slots.empty(2, (16, 8), Layers({"depth": "depth/a", "segmentation": "segmentation/b"}, "pose/c", {}))
    shapes = {name: (array.shape, array.dtype.name) for name, array in slots.arrays.items()}
    assert shapes == {
        "image": ((2, 3, 8, 16), "float32"),
        "skeleton": ((2, 3, 8, 16), "float32"),
        "depth": ((2, 1, 8, 16), "float32"),
        "depth_valid": ((2, 1, 8, 16), "bool"),
        "segmentation": ((2, 1, 8, 16), "uint8"),
        "segmentation_valid": ((2, 1, 8, 16), "bool"),
    }
    for array in slots.arrays.values():
        array[0], array[1] = 0, 1
    slots.uids[:], slots.sizes[1] = ["a", "b"], (1, 2, 3, 4)
    slots.repeat(0, 1)
    assert all((array[0] == 1).all() for array in slots.arrays.values())
    assert slots.uids == ["b", "b"] and slots.sizes[0].tolist() == [1, 2, 3, 4]
