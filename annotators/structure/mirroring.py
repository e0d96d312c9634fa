"""The flip test: the network looks at the window and at its mirror image, and what it says of both is averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Network = Callable[[np.ndarray], np.ndarray]
"""float32 (n, 8, side, side) -> (n, 5, side, side), as ``annotators.networks.lite_structure`` has it."""
_LEFT_FOR_RIGHT = [0, 1, 2, 4, 3, 5, 6, 7]
"""Planes of the input, those of the people's left and right exchanged."""
_NORMAL = slice(1, 4)


def mirrored(inputs: np.ndarray) -> np.ndarray:
    """The inputs (n, 8, side, side) of the mirrored windows."""
    return inputs[:, _LEFT_FOR_RIGHT, :, ::-1]


def back(said: np.ndarray) -> np.ndarray:
    """What was said (n, 5, side, side) of mirrored windows, as of the windows themselves."""
    made = said[:, :, :, ::-1].copy()
    made[:, 1] *= -1
    return made


def both_ways(network: Network, inputs: np.ndarray) -> np.ndarray:
    """float32 (n, 5, side, side): the mean of what the network says of the windows and of their mirror images.

    Depth and log-odds are averaged, normals added and brought to length 1.
    """
    said = network(np.concatenate([inputs, mirrored(inputs)]))
    total = said[: len(inputs)] + back(said[len(inputs) :])
    lengths = np.linalg.norm(total[:, _NORMAL], axis=1, keepdims=True)
    normal = total[:, _NORMAL] / np.maximum(lengths, 1e-6)
    return np.concatenate([total[:, :1] / 2, normal, total[:, 4:] / 2], axis=1)
