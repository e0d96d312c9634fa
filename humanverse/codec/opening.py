"""Open a picture of any accepted format up to its header, safely and silently.

The decoders are Pillow's, each called by its class: nothing is tried in turn, and no format is reached that would start
another program. Pillow's own limit on pixels is not relied upon; ours is checked before and after opening.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from io import BytesIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from humanverse.codec import headers, orientation
from humanverse.codec.jpeg import decode_part
from humanverse.codec.jpeg_strip import Stripped, strip
from humanverse.codec.quiet import silence_libtiff, silence_pillow
from humanverse.codec.sniff import sniff
from humanverse.errors import one_line
from schemas.ledger import Failure

_PARTS = (8, 4, 2)
_LEAST_REDUCED = 64
"""Pixels of the shorter side; below, rounding could make two fractions look alike."""

_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
"""By the number of components."""

MAX_SCANS = 100
"""A progressive JPEG has about ten scans; thousands of empty ones keep a decoder busy for minutes."""

_START_OF_SCAN = b"\xff\xda"
_LONG_FILL = b"\xff" * 100_000
_TILE_WIDTH, _TILE_LENGTH, _BITS_PER_SAMPLE, _TIFF_ORIENTATION = 322, 323, 258, 274
_SIXTEEN_BIT_RGB = "RGB;16B"

silence_pillow()


class Refused(Exception):
    """The picture cannot be had; ``failure`` says why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail)


@dataclass(frozen=True)
class Opened:
    """A picture whose header was read and whose pixels were not.

    Attributes:
        opener: opens it with Pillow.
        mode: Pillow's, of the coded pixels.
        format: as ``sniff`` names it.
        width: of the raw picture, in pixels.
        height: likewise.
        orientation: EXIF's, 1 to 8; to be undone.
        profile: the ICC profile, if any.
        sample_bits: how many bits of a 16-bit sample are used.
        stripped: for a JPEG that was understood in full.
    """

    opener: Callable[[], ImageFile.ImageFile]
    mode: str
    format: str
    width: int
    height: int
    orientation: int
    profile: bytes | None
    sample_bits: int = 16
    stripped: Stripped | None = None

    @cached_property
    def image(self) -> ImageFile.ImageFile:
        """Opened with Pillow, and not loaded yet. Raises Refused if Pillow does not take it."""
        return self.opener()

    @property
    def upright_size(self) -> tuple[int, int]:
        return orientation.sides(self.width, self.height, self.orientation)

    def pixels(self, width: float, height: float) -> tuple[np.ndarray, float] | None:
        """A JPEG's decoded pixels, at a half, a quarter or an eighth of its size if that is not below ``width`` and ``height``.

        Returns:
            uint8 (height, width, 3) in the picture's own colours, and the size as a fraction of the original's; None for what
            ``load`` must decode: other formats, and streams that decoders might not take for the same picture.
        """
        stripped = self.stripped
        if stripped is None or not (stripped.evenly_sampled and stripped.unambiguous):
            return None
        fitting = (part for part in _PARTS if self.width >= part * width and self.height >= part * height)
        part = next(fitting, 1) if min(self.width, self.height) >= _LEAST_REDUCED else 1
        least = (-(-self.width // part), -(-self.height // part)) if part > 1 else (0, 0)
        pixels = decode_part(stripped.jpeg, least, plain_chroma=self.width >= width and self.height >= height)
        return None if pixels is None else (pixels, 1 / part)

    def probe(self) -> None:
        """Know that a JPEG which was understood in full can be decoded, at a fraction of the cost.

        libjpeg refuses frames, tables and scans for what their headers say; coded data it never refuses, but only warns
        of, which Pillow does not hear (jdhuff.c, jdphuff.c and jdmarker.c raise no error while they read it). A stream
        that lacks most of its coded data is thus refused exactly where the whole one is.

        Raises:
            Exception: as ``load``.
        """
        assert self.stripped is not None, "a JPEG that was understood in full"
        probe = _Jpeg(BytesIO(self.stripped.probe))
        if self.stripped.evenly_sampled:
            probe.draft(probe.mode, (1, 1))
        probe.load()

    def load(self) -> Image.Image:
        """The decoded pixels, raw.

        Raises:
            Refused: the pixels are not of the size that the header announced.
            Exception: whatever the decoder raises.
        """
        expected = (self.width, self.height)
        self.image.load()
        core = self.image.im.size
        if core != expected:
            raise Refused("corrupt", f"the header announces {_by(expected)}, the pixels are {_by(core)}")
        return self.image if self.image.size == core else self.image.copy()


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Without parsing EXIF when opened: Pillow wants its resolution, and a hostile block makes that expensive."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class _Tiff(TiffImagePlugin.TiffImageFile):
    """Without turning the pixels when loaded, and without parsing the EXIF directories for it."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": _Jpeg,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "dib": BmpImagePlugin.DibImageFile,
    "tiff": _Tiff,
    "ppm": PpmImagePlugin.PpmImageFile,
    "ico": IcoImagePlugin.IcoImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
    "jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_OPTIONAL = {"webp": "webp", "avif": "avif", "jp2": "jpg_2000"}


def open_picture(data: bytes, max_pixels: int) -> Opened:
    """Open ``data`` and check its size.

    Raises:
        Refused: it is no picture, of a format that is not decoded, broken, or of more than ``max_pixels`` pixels.
        MemoryError: only what the header needs may be allocated, and even that did not fit.
    """
    name = sniff(data)
    if name is None:
        raise Refused("not_an_image", f"begins with {data[:16]!r}" if data else "no bytes")
    if name not in _DECODERS or (name in _OPTIONAL and not features.check(_OPTIONAL[name])):
        raise Refused("unsupported_format", name)
    announced = headers.announced_size(name, data)
    if announced is not None:
        _check_size(announced, max_pixels)
    opened = _OPENERS.get(name, _open_plain)(name, data, max_pixels)
    _check_size((opened.width, opened.height), max_pixels)
    return opened


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    if min(size) <= 0:
        raise Refused("corrupt", f"the header announces {_by(size)}")
    if size[0] * size[1] > max_pixels:
        raise Refused("too_many_pixels", _by(size))


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _decoder(name: str, data: bytes) -> ImageFile.ImageFile:
    try:
        image = _DECODERS[name](BytesIO(data))
        image.decodermaxblock = max(len(data), ImageFile.MAXBLOCK)  # the decoder starts once, not once per block
        return image
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels", one_line(error)) from None
    except (SyntaxError, IndexError, TypeError, KeyError, EOFError, ValueError, OSError, struct.error) as error:
        raise Refused("corrupt", one_line(error)) from None


def _open_plain(name: str, data: bytes, max_pixels: int) -> Opened:
    image = _decoder(name, data)
    return _opened(image, name, image.info.get("exif"), image.info.get("icc_profile"))


def _opened(image: ImageFile.ImageFile, name: str, exif: bytes | None, profile: bytes | None) -> Opened:
    width, height = image.size
    return Opened(lambda: image, image.mode, name, width, height, orientation.from_exif(exif), profile)


def _open_icon(name: str, data: bytes, max_pixels: int) -> Opened:
    """An icon is loaded when it is opened, and its directory may state another size than its picture has."""
    image = _decoder(name, data)
    width, height = image.im.size
    return Opened(lambda: image, image.mode, name, width, height, orientation=1, profile=None)


def _open_jpeg(name: str, data: bytes, max_pixels: int) -> Opened:
    """The stripped stream stands for the file where there is one: what is checked is then what will be stored."""
    stripped = _strip(data)
    scans = stripped.scans if stripped else data.count(_START_OF_SCAN)
    if scans > MAX_SCANS:
        raise Refused("corrupt", f"{scans} scans, more than {MAX_SCANS}")
    if not scans:
        raise Refused("corrupt", "no scan: the file ends before its picture begins")
    if stripped is not None:
        return Opened(
            partial(_decoder, name, stripped.jpeg),
            _JPEG_MODES.get(len(stripped.components), ""),
            name,
            stripped.width,
            stripped.height,
            orientation.from_exif(stripped.exif),
            stripped.icc,
            stripped=stripped,
        )
    return _open_plain(name, data, max_pixels)


def _strip(data: bytes) -> Stripped | None:
    """As ``strip``; refused is also what Pillow would step through byte by byte for a long time."""
    try:
        stripped = strip(data)
    except ValueError as error:
        raise Refused("corrupt", str(error)) from None
    if stripped is None and _LONG_FILL in data:
        raise Refused("corrupt", f"{len(_LONG_FILL)} fill bytes in a row, in a file that is broken elsewhere")
    return stripped


def _open_png(name: str, data: bytes, max_pixels: int) -> Opened:
    image = _decoder(name, data)
    if image.tile and image.tile[0].args == _SIXTEEN_BIT_RGB:
        _narrow_transparency(image)
    exif = headers.png_exif(data) or _exif_in_text(image)
    return _opened(image, name, exif, image.info.get("icc_profile"))


def _narrow_transparency(image: Image.Image) -> None:
    """Pillow keeps the upper 8 bits of 16-bit colours, but all 16 of the colour that stands for "transparent"."""
    key = image.info.get("transparency")
    if isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


def _exif_in_text(image: Image.Image) -> bytes | None:
    """ImageMagick's way before PNG had ``eXIf``: a text of three lines and then hexadecimal digits."""
    text = image.info.get("Raw profile type exif")
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) if isinstance(text, str) else None
    except ValueError:
        return None


def _open_tiff(name: str, data: bytes, max_pixels: int) -> Opened:
    if headers.tiff_directory_bytes(data) > 2 * len(data) + 65_536:
        raise Refused("corrupt", "the directory announces more data than the file holds")
    silence_libtiff()
    image = _decoder(name, data)
    assert isinstance(image, _Tiff)
    tags = image.tag_v2
    tile = (tags.get(_TILE_WIDTH, 1), tags.get(_TILE_LENGTH, 1))
    if not all(isinstance(side, int) for side in tile):
        raise Refused("corrupt", "a tile's size is not a number")
    _check_size(tile, max(max_pixels, 1 << 20))
    stated = tags.get(_TIFF_ORIENTATION)
    turned = stated if isinstance(stated, int) and 1 <= stated <= 8 else 1
    width, height = orientation.sides(*image.size, turned)
    bits = 12 if tags.get(_BITS_PER_SAMPLE) == (12,) else 16
    profile = image.info.get("icc_profile")
    return Opened(lambda: image, image.mode, name, width, height, turned, profile=profile, sample_bits=bits)


_OPENERS: dict[str, Callable[[str, bytes, int], Opened]] = {
    "jpeg": _open_jpeg,
    "png": _open_png,
    "tiff": _open_tiff,
    "ico": _open_icon,
}
