"""Arrays of numbers that are no pictures, as NumPy's ``.npy`` files of float16: latents and states of texts."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def encode(values: np.ndarray) -> bytes:
    """``values`` as float16.

    Raises:
        ValueError: if one of them is not finite, or too large for float16 (65,504).
    """
    with np.errstate(over="ignore"):
        halves = np.ascontiguousarray(values, np.float16)
    if not np.isfinite(halves).all():
        raise ValueError("has numbers that are not finite, or too large for float16")
    stream = io.BytesIO()
    np.save(stream, halves, allow_pickle=False)
    return stream.getvalue()


def decode(data: bytes) -> np.ndarray:
    """The float16 array that ``encode`` was given.

    Raises:
        ValueError: if ``data`` is no such file, or not a whole one.
    """
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ValueError("the map is not a whole .npy file") from error
    if not isinstance(values, np.ndarray) or values.dtype != np.float16:
        raise ValueError("the map is not an array of float16")
    return values


def encode_latent(latent: np.ndarray) -> tuple[bytes, dict[str, Any]]:
    """A latent, float (height, width, channels), as an array (channels, height, width); and no columns."""
    return encode(latent.transpose(2, 0, 1)), {}


def encode_states(states: np.ndarray) -> tuple[bytes, dict[str, Any]]:
    """States of a text's tokens, float (tokens, width), as they are; and no columns."""
    return encode(states), {}


def size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of the array's last two axes; None if ``data`` is no whole ``.npy`` file of finite float16."""
    try:
        values = decode(data)
    except ValueError:
        return None
    if values.ndim < 2 or not np.isfinite(values).all():
        return None
    return values.shape[-1], values.shape[-2]
