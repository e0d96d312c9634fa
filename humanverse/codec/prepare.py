"""From downloaded bytes to the picture as it is stored: upright, sRGB, 8 bits, a JPEG without metadata.

A result depends on the bytes and the settings only. An upright JPEG that every decoder shows alike keeps its coded
pixels; everything else is decoded, converted, resized if asked, and encoded anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from humanverse.codec import icc, orientation
from humanverse.codec.colour import to_rgb
from humanverse.codec.geometry import Plan, plan
from humanverse.codec.headers import announced_size, jpeg_frame
from humanverse.codec.jpeg import MAX_SIDE, encode_jpeg
from humanverse.codec.opening import Opened, Refused, open_picture
from humanverse.codec.resample import resample
from humanverse.codec.sniff import sniff
from humanverse.errors import one_line
from schemas.ledger import Failure
from schemas.recipe import ImageSettings

_HEADER_PIXELS = 1 << 28


@dataclass(frozen=True)
class Prepared:
    """A picture ready to be stored.

    Attributes:
        jpeg: what will be stored.
        width: of the stored picture, in pixels.
        height: likewise.
        original_width: of the upright original, in pixels.
        original_height: likewise.
        original_box: (x0, y0, x1, y1), the part of the upright original that the stored picture shows, in the
            original's pixels; see ``schemas.images``.
        original_format: as ``sniff`` names it.
        original_orientation: EXIF's, 1 to 8; 1 if there is none or it is invalid.
        reencoded: False if the stored pixels are coded as in the original.
    """

    jpeg: bytes
    width: int
    height: int
    original_width: int
    original_height: int
    original_box: tuple[float, float, float, float]
    original_format: str
    original_orientation: int
    reencoded: bool


def prepare(data: bytes, settings: ImageSettings) -> Prepared | Failure:
    """Make the stored picture of ``data``, a whole file as downloaded.

    Never raises: whatever is wrong with the bytes is a ``Failure`` with one of ``schemas.ledger.DECODE_REASONS``. The
    size in the header is checked before pixels are allocated. May be called from several threads at once.
    """
    try:
        return _prepare(data, settings)
    except Refused as refused:
        return refused.failure
    except MemoryError:
        return Failure("too_many_pixels", "the picture did not fit into memory")
    except Exception as error:  # the decoders' own exceptions are of many classes
        return Failure("corrupt", one_line(error).encode("ascii", "backslashreplace").decode("ascii"))


def header_size(data: bytes) -> tuple[int, int] | None:
    """The upright (width, height) that the header of ``data`` announces; None if that cannot be read.

    Decodes nothing. Where the header announces so much that its decoder must not even be opened, the size is the raw
    one.
    """
    try:
        name = sniff(data) or ""
        frame = jpeg_frame(data) if name == "jpeg" else None
        if frame is not None:
            return orientation.sides(*frame[0], orientation.from_exif(frame[1]))
        announced = announced_size(name, data)
        if announced is not None and announced[0] * announced[1] > _HEADER_PIXELS:
            return announced
        return open_picture(data, max_pixels=1 << 62).upright_size
    except Exception:
        return None


def _prepare(data: bytes, settings: ImageSettings) -> Prepared:
    opened = open_picture(data, settings.max_pixels)
    way = plan(*opened.upright_size, settings)
    _check_storable(way, settings)
    if way.changes_nothing and _storable_as_is(opened):
        assert opened.stripped is not None
        opened.probe()
        return _prepared(opened, way, opened.stripped.jpeg, reencoded=False)
    jpeg = encode_jpeg(_rendered(opened, way, settings), settings.quality)
    return _prepared(opened, way, jpeg, reencoded=True)


def _prepared(opened: Opened, way: Plan, jpeg: bytes, reencoded: bool) -> Prepared:
    return Prepared(
        jpeg=jpeg,
        width=way.canvas[0],
        height=way.canvas[1],
        original_width=opened.upright_size[0],
        original_height=opened.upright_size[1],
        original_box=way.original_box,
        original_format=opened.format,
        original_orientation=opened.orientation,
        reencoded=reencoded,
    )


def _check_storable(way: Plan, settings: ImageSettings) -> None:
    """Enlarging, or the format, may ask for more than a JPEG can hold or the cap allows."""
    stored = f"{way.canvas[0]}x{way.canvas[1]}"
    if max(way.canvas) > MAX_SIDE:
        raise Refused("too_many_pixels", f"{stored} to be stored, and a JPEG's side is at most {MAX_SIDE}")
    if way.canvas[0] * way.canvas[1] > max(settings.max_pixels, settings.size**2):
        raise Refused("too_many_pixels", f"{stored} to be stored")


def _storable_as_is(opened: Opened) -> bool:
    stripped = opened.stripped
    return (
        stripped is not None
        and stripped.unambiguous
        and opened.orientation == 1
        and icc.is_srgb(opened.mode, opened.profile)
    )


def _rendered(opened: Opened, way: Plan, settings: ImageSettings) -> np.ndarray:
    """The stored picture's pixels, uint8 (height, width, 3).

    The raw picture is resampled, so that only the result need be turned.
    """
    upright_width, upright_height = opened.upright_size
    box = orientation.raw_box(way.box, upright_width, upright_height, opened.orientation)
    inner = orientation.sides(*way.inner, opened.orientation)
    pixels, fraction = _decoded(
        opened,
        settings,
        inner[0] * opened.width / (box[2] - box[0]),
        inner[1] * opened.height / (box[3] - box[1]),
    )
    x0, y0, x1, y1 = (edge * fraction for edge in box)
    part = (x0, y0, min(x1, float(pixels.shape[1])), min(y1, float(pixels.shape[0])))
    return _on_canvas(_turned(resample(pixels, part, inner, softened=fraction < 1), opened.orientation), way, settings)


def _decoded(opened: Opened, settings: ImageSettings, width: float, height: float) -> tuple[np.ndarray, float]:
    """The raw picture in sRGB, uint8 (height, width, 3), and its size as a fraction of the original's.

    Args:
        width: what must be left at least, if the original has it.
        height: likewise.
    """
    decoded = opened.pixels(width, height)
    if decoded is None:
        rgb = to_rgb(opened.load(), settings.background, opened.profile, opened.sample_bits)
        return np.asarray(rgb), 1.0
    pixels, fraction = decoded
    if icc.is_srgb(opened.mode, opened.profile):
        return pixels, fraction
    image = Image.fromarray(pixels if opened.mode == "RGB" else pixels[:, :, 0])
    return np.asarray(to_rgb(image, settings.background, opened.profile)), fraction


def _turned(pixels: np.ndarray, turn: int) -> np.ndarray:
    return pixels if turn == 1 else np.asarray(orientation.upright(Image.fromarray(pixels), turn))


def _on_canvas(inner: np.ndarray, way: Plan, settings: ImageSettings) -> np.ndarray:
    if way.canvas == way.inner:
        return inner
    canvas = np.full((way.canvas[1], way.canvas[0], 3), settings.background, np.uint8)
    x, y = way.offset
    canvas[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return canvas
