"""Figures on the pixels: no model, no opinion."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable

# ITU-T T.81 (JPEG), table K.1: the luminance table that quality 50 of the IJG library means. Tables are compared sorted.
_LUMINANCE = np.array(
    [
        16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
        26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
        56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
        95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
    ]
)  # fmt: skip


class PixelSettings(Settings):
    """Attributes:
    side: the longer side, in pixels, that pictures are scaled to, up or down, before they are measured.
    """

    side: int = Field(default=512, ge=32)


def scaled(rgb: np.ndarray, side: int) -> np.ndarray:
    """``rgb`` with its longer side ``side``, so that figures of small and large pictures can be compared."""
    import cv2

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, target, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def luma(rgb: np.ndarray) -> np.ndarray:
    """float32 (height, width) in [0, 255]: ITU-R BT.601 luma of uint8 RGB."""
    return rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def sharpness(gray: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of a float32 luma."""
    import cv2

    return float(cv2.Laplacian(gray, cv2.CV_32F).var(dtype=np.float64))


def colorfulness(rgb: np.ndarray) -> float:
    """Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003: M^(3), on 8-bit sRGB; 0 is grey."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), 2, 0)
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(dtype=np.float64), second.std(dtype=np.float64))
    return float(spread + 0.3 * np.hypot(first.mean(dtype=np.float64), second.mean(dtype=np.float64)))


def saturated_ratio(rgb: np.ndarray) -> float:
    """The part of the pixels of uint8 RGB that are clipped: a channel at 254 or more, or all at 1 or less."""
    import cv2

    red, green, blue = cv2.split(rgb)
    brightest = cv2.max(cv2.max(red, green), blue)
    return float(((brightest >= 254) | (brightest <= 1)).mean())


def jpeg_quality(jpeg: bytes) -> int | None:
    """The IJG quality, 1 to 100, whose luminance table is nearest to the file's; None where the file has none.

    An encoder with tables of its own gets the quality that is most like it.
    """
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as image:
        table = getattr(image, "quantization", {}).get(0)
    if table is None:
        return None
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    candidates = np.clip((_LUMINANCE * scales[:, None] + 50) // 100, 1, 255)
    return int(qualities[np.abs(np.sort(candidates) - np.sort(np.array(table))).sum(axis=1).argmin()])


class Pixels(Annotator):
    """Measures; needs no weights."""

    cpu_only = True
    card = Card(
        kind="quality",
        name="pixels",
        version=1,
        summary="sharpness, brightness, contrast, colourfulness, clipping and JPEG quality",
        model="none: formulas",
        licence="none needed",
        protocol="longer side scaled to 512 px; clipping on the stored pixels, JPEG quality from the stored file",
        output=(
            "sharpness: variance of the Laplacian of 8-bit luma; brightness and contrast: mean and standard deviation "
            "of luma over 255; colorfulness: Hasler and Süsstrunk's M3; saturated_ratio: part of the pixels that are "
            "clipped; jpeg_quality: of the stored file, on the IJG scale"
        ),
        packages={"cv2": ""},
        source="none needed",
        speed="instant",
        preset="lite",
    )
    Settings = PixelSettings
    settings: PixelSettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture) for picture in pictures]

    def _row(self, picture: Picture) -> Row:
        small = scaled(picture.rgb, self.settings.side)
        gray = luma(small)
        return {
            "sharpness": sharpness(gray),
            "brightness": float(gray.mean(dtype=np.float64)) / 255,
            "contrast": float(gray.std(dtype=np.float64)) / 255,
            "colorfulness": colorfulness(small),
            "saturated_ratio": saturated_ratio(picture.rgb),
            "jpeg_quality": jpeg_quality(picture.jpeg),
        }
