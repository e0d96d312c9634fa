"""Depth and normals in files: what generated pictures are written as, and read from for stage 2."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from humanverse.codec.maps import DEPTH_LEVELS, decode_depth, decode_normal, encode_normal
from humanverse.errors import UserError

DEPTH: Mapping[str, Any] = {"depth_kind": "inverse", "unit": None, "scale": 1 / DEPTH_LEVELS, "offset": 0.0}
"""How a depth is written, as a dataset's columns say it: nearness is offset + scale * (value - 1), 0 far to 1 near; value 0 is
none."""
WORDS: Mapping[str, Mapping[str, str]] = {"depth": {"depth_kind": DEPTH["depth_kind"]}}
"""Target -> what its PNG says of itself, so that no other 16-bit depth, such as one in metres, is taken for it."""


class UnknownDepth(ValueError):
    """Values of 16 bits that may be nearness or distance."""


def depth_picture(depth: np.ndarray) -> Image.Image:
    """Nearness in [0, 1], float32 (height, width), as 16-bit grey; NaN as 0."""
    levels = np.rint(depth.clip(0, 1) * DEPTH_LEVELS) + 1
    return Image.fromarray(np.where(np.isfinite(depth), levels, 0).astype(np.uint16))


def normal_picture(normal: np.ndarray) -> Image.Image:
    """Unit vectors, float32 (height, width, 3), as a dataset's normal maps; NaN as black."""
    data, _ = encode_normal(normal)
    return Image.open(io.BytesIO(data))


def read_depth(data: bytes) -> np.ndarray:
    """Nearness, float32 (height, width), of a PNG: 16 bits as ``depth_picture`` makes them, if it has ``WORDS``; 8 bits from
    black, far, to white.

    Raises:
        ValueError: if it is no grey picture.
        UnknownDepth: if it has 16 bits and does not say of what.
    """
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if grey is None or grey.ndim != 2:
        raise ValueError("no grey picture")
    if grey.dtype == np.uint8:
        return grey.astype(np.float32) / 255
    with Image.open(io.BytesIO(data)) as image:
        if any(image.info.get(keyword) != text for keyword, text in WORDS["depth"].items()):
            raise UnknownDepth("16 bits")
    return decode_depth(data, DEPTH["scale"], DEPTH["offset"]).astype(np.float32)


def read_normal(data: bytes) -> np.ndarray:
    """Unit vectors, float32 (height, width, 3), of a dataset's normal map."""
    return decode_normal(data).astype(np.float32)


_READERS: Mapping[str, Callable[[bytes], np.ndarray]] = {"depth": read_depth, "normal": read_normal}


def read(name: str, path: Path) -> np.ndarray:
    """The map in a file.

    Args:
        name: ``depth`` or ``normal``.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return _READERS[name](path.read_bytes())
    except OSError as error:
        raise UserError(f"--{name} {path}: {error.strerror or error}: give a PNG") from error
    except UnknownDepth as error:
        raise UserError(
            f"--{name} {path} has 16 bits and does not say whether they are nearness or distance: give a PNG as humanverse "
            "generate writes it (PNG text depth_kind: inverse), or 8 bits from black, far, to white, near"
        ) from error
    except (ValueError, cv2.error) as error:
        raise UserError(f"--{name} {path} is no {name} map: give a PNG as humanverse generate writes it") from error
