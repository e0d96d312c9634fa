"""The codec of stored pictures: JPEG to pixels and back."""

from __future__ import annotations

import io

import cv2
import numpy as np
import simplejpeg
from PIL import Image

Size = tuple[int, int]

MAX_SIDE = 65_500
"""The longest side that libjpeg reads or writes."""


def decode_rgb(jpeg: bytes) -> np.ndarray:
    """Decode a stored picture.

    Args:
        jpeg: a JPEG that ``prepare`` or ``encode_jpeg`` made.

    Returns:
        uint8 (height, width, 3), sRGB; three equal channels for a grey picture. An orientation tag is ignored, since
        stored pictures are upright. Where TurboJPEG complains Pillow decodes, which writes nothing to the terminal.

    Raises:
        ValueError: the bytes are not a JPEG that can be decoded.
    """
    pixels = decode_part(jpeg)
    if pixels is not None:
        return pixels
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a JPEG that can be decoded ({len(jpeg)} bytes)") from error


def decode_part(jpeg: bytes, least: Size = (0, 0), plain_chroma: bool = False) -> np.ndarray | None:
    """Decode a picture at the smallest of libjpeg-turbo's scales that leaves ``least``.

    Strict: told to pass over damage, simplejpeg (1.9) passes over errors too, and gives memory that nobody has written.

    Args:
        least: (width, height), in pixels; zeros for the full size.
        plain_chroma: repeat the chroma samples instead of interpolating between them: faster, and not seen once the picture
            is made smaller.

    Returns:
        uint8 (height, width, 3); three equal channels for a grey picture. None where TurboJPEG does not take the stream, or
        has anything to say against it: what is to become of it is for another decoder to tell.
    """
    try:
        return simplejpeg.decode_jpeg(
            jpeg, "RGB", fastupsample=plain_chroma, min_width=least[0], min_height=least[1], strict=True
        )
    except (KeyError, ValueError):  # KeyError: a header that cannot be read
        return None


def encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Encode ``rgb``, uint8 (height, width, 3) in sRGB, as a baseline JFIF with 4:2:0 chroma.

    Args:
        quality: 1 to 100, libjpeg's scale.

    Raises:
        ValueError: the array has another shape or type, or a side longer than ``MAX_SIDE``.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"expected uint8 (height, width, 3), got {rgb.dtype} {rgb.shape}")
    if max(rgb.shape[:2]) > MAX_SIDE:
        raise ValueError(f"a JPEG's side is at most {MAX_SIDE} pixels, got {rgb.shape[1]}x{rgb.shape[0]}")
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    written, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        raise ValueError(f"the JPEG encoder refused {rgb.shape[1]}x{rgb.shape[0]}")
    return encoded.tobytes()
