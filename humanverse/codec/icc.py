"""ICC profiles: is this one sRGB, and if not, bring the pixels to sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SRGB_TOLERANCE = 2
"""A profile that moves no colour of the grid by more than this (of 255) is taken for sRGB."""

_SPACE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GRID_STEPS = 17
_CACHED_PROFILE_BYTES = 1 << 16


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """``image`` (mode L, RGB or CMYK) in sRGB: RGB, or as it was where there is nothing to do.

    Relative colorimetric, with black point compensation. A profile that is broken, or made for another kind of pixels,
    is ignored; an RGB profile on a grey picture is applied to its greys.
    """
    pixels = _mode_to_convert(profile, image.mode)
    if profile is None or pixels is None:
        return image
    transform = _built(_opened(profile), pixels)
    return _applied(image if image.mode == pixels else image.convert(pixels), transform)


def is_srgb(mode: str, profile: bytes | None) -> bool:
    """Whether pixels of ``mode`` with ``profile`` are shown the same without the profile."""
    return _mode_to_convert(profile, mode) is None


def _mode_to_convert(profile: bytes | None, mode: str) -> str | None:
    """The pixel mode that must be converted to sRGB with ``profile``; None where there is nothing to do."""
    if profile is None:
        return None
    return _judged_once(profile, mode) if len(profile) <= _CACHED_PROFILE_BYTES else _judged(profile, mode)


def _judged(profile: bytes, mode: str) -> str | None:
    opened = _opened(profile)
    if opened is None:
        return None
    pixels = _SPACE_MODES.get(opened.profile.xcolor_space.strip())
    if pixels is None or (pixels != mode and (mode, pixels) != ("L", "RGB")):
        return None
    transform = _built(opened, pixels)
    return pixels if transform is not None and _moves_colours(transform, pixels) else None


_judged_once = lru_cache(maxsize=64)(_judged)


def _opened(profile: bytes) -> Any:
    try:
        return ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError):
        return None


def _built(opened: Any, pixels: str) -> Any:
    try:
        return ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            pixels,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, ValueError):
        return None


def _applied(image: Image.Image, transform: Any) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def _moves_colours(transform: Any, pixels: str) -> bool:
    if pixels == "CMYK":
        return True
    grid = _grid(pixels)
    after = np.asarray(_applied(grid, transform), np.int16)
    before = np.asarray(grid.convert("RGB"), np.int16)
    return bool(np.abs(after - before).max() > SRGB_TOLERANCE)


def _grid(pixels: str) -> Image.Image:
    """All greys, and for RGB also a regular grid of colours, as an image one row high."""
    greys = np.arange(256, dtype=np.uint8)
    if pixels == "L":
        return Image.fromarray(greys[None, :])
    steps = np.linspace(0, 255, _GRID_STEPS).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return Image.fromarray(np.concatenate([np.repeat(greys[:, None], 3, axis=1), colours])[None])
