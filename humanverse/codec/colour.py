"""From any of Pillow's pixel modes to 8-bit sRGB without alpha."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from humanverse.codec import icc

Background = tuple[int, int, int]

_WITH_ALPHA = {"1": "LA", "L": "LA", "P": "RGBA", "PA": "RGBA", "RGB": "RGBA", "RGBa": "RGBA", "La": "LA"}
_COLOUR_OF_ALPHA = {"LA": "L", "RGBA": "RGB"}


def to_rgb(image: Image.Image, background: Background, profile: bytes | None, sample_bits: int = 8) -> Image.Image:
    """``image``, already decoded, as mode RGB in sRGB.

    Deep greys are scaled to 8 bits, the ICC profile is applied, and what is transparent shows ``background``. Gamma,
    primaries and CICP given in another way than by an ICC profile are ignored.

    Args:
        image: of any mode that Pillow's decoders give.
        background: sRGB, 0 to 255.
        profile: the picture's ICC profile, if any.
        sample_bits: how many bits of a 16-bit sample are used.
    """
    image, alpha = _split(image, sample_bits)
    rgb = icc.to_srgb(image, profile)
    if rgb.mode != "RGB":
        rgb = rgb.convert("RGB")
    if alpha is None:
        return rgb
    composed = Image.new("RGB", rgb.size, background)
    composed.paste(rgb, mask=alpha)
    return composed


def _split(image: Image.Image, sample_bits: int) -> tuple[Image.Image, Image.Image | None]:
    """The colours as L, RGB or CMYK, and the alpha channel as L."""
    deep = _DEEP.get(image.mode)
    if deep is not None:
        samples = np.asarray(image)
        return Image.fromarray(deep(samples, sample_bits)), _keyed_alpha(image, samples)
    if image.has_transparency_data:
        image = image.convert(_WITH_ALPHA[image.mode]) if image.mode in _WITH_ALPHA else image
        return image.convert(_COLOUR_OF_ALPHA[image.mode]), image.getchannel("A")
    return _PLAIN.get(image.mode, _convert_to_rgb)(image), None


def _keyed_alpha(image: Image.Image, samples: np.ndarray) -> Image.Image | None:
    """The alpha of a deep grey picture in which one value stands for "transparent"."""
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return None
    return Image.fromarray(np.where(samples == key, 0, 255).astype(np.uint8))


def _unsigned(samples: np.ndarray, bits: int) -> np.ndarray:
    """The full range of ``bits`` bits to 0..255."""
    top = (1 << bits) - 1
    scaled = (samples.astype(np.uint32) * 255 + top // 2) // top
    return np.minimum(scaled, 255).astype(np.uint8)


def _integers(samples: np.ndarray, bits: int) -> np.ndarray:
    """Signed 32 bits: as 8 bits if all fit, else as 16 bits if all fit, else from the least to the greatest value."""
    low, high = int(samples.min()), int(samples.max())
    if low >= 0 and high <= 0xFFFF:
        return samples.astype(np.uint8) if high <= 0xFF else _unsigned(samples, 16)
    return _stretched(samples.astype(np.float64), low, high)


def _floats(samples: np.ndarray, bits: int) -> np.ndarray:
    """Floats: 0..1 if all lie in it, else 0..255 if all do, else from the least to the greatest; not finite is least."""
    finite = np.isfinite(samples)
    if not finite.any():
        return np.zeros(samples.shape, np.uint8)
    low, high = float(samples[finite].min()), float(samples[finite].max())
    values = np.where(finite, samples, low).astype(np.float64)
    if low >= 0 and high <= 255:
        return _stretched(values, 0.0, 1.0 if high <= 1 else 255.0)
    return _stretched(values, low, high)


def _stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    span = high - low
    if span <= 0 or not np.isfinite(span):
        return np.zeros(values.shape, np.uint8)
    return np.rint((values - low) * (255.0 / span)).clip(0, 255).astype(np.uint8)


_DEEP: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "I;16": _unsigned,
    "I;16L": _unsigned,
    "I;16B": _unsigned,
    "I;16N": _unsigned,
    "I": _integers,
    "F": _floats,
}


def _as_is(image: Image.Image) -> Image.Image:
    return image


def _convert_to_grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


def _convert_to_rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"),
        ImageCms.createProfile("sRGB"),
        "LAB",
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


_PLAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1": _convert_to_grey,
    "L": _as_is,
    "RGB": _as_is,
    "CMYK": _as_is,
    "LAB": _lab_to_rgb,
}
