"""What tells that a picture is synthetic: words in the PNG that say so, the invisible mark, and a look at both."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

import humanverse
from humanverse.errors import UserError, one_line
from humanverse.generation import watermark

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's NewsCodes for the kinds of sources that a picture can have."""
TRAINED, DRAWN = "trainedAlgorithmicMedia", "algorithmicMedia"
"""Made by a model that was trained; made by an algorithm alone, as a drawn skeleton is."""
SYNTHETIC = frozenset({TRAINED, DRAWN, "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
"""Kinds of which at least a part is no photograph."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "PPM")
"""Of pictures that are read: none that another program would be started for."""
SOFTWARE, XMP = "Software", "XML:com.adobe.xmp"
_TERM = re.compile(re.escape(TERMS.removeprefix("http:")) + r"(\w+)")
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool="{software}" Iptc4xmpExt:DigitalSourceType="{kind}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
"""XMP (ISO 16684-1) with the property Digital Source Type of IPTC's Photo Metadata Standard."""


def png(picture: Image.Image, kind: str | None = TRAINED, more: Mapping[str, str] | None = None) -> bytes:
    """``picture`` as a PNG that says what made it.

    Args:
        kind: IPTC's term for its source; None where that is not known.
        more: further words, by PNG's keyword.
    """
    software = f"humanverse {humanverse.__version__}"
    words = PngInfo()
    for keyword, text in {SOFTWARE: software, **(more or {})}.items():
        words.add_text(keyword, text)
    if kind is not None:
        words.add_itxt(XMP, _PACKET.format(software=software, kind=TERMS + kind))
    data = io.BytesIO()
    picture.save(data, "PNG", pnginfo=words)
    return data.getvalue()


@dataclass(frozen=True)
class Found:
    """What a picture says of itself.

    Attributes:
        file: that was looked at.
        source_type: IPTC's term, of the words in the file; None if there is none.
        software: that the file says it was made with.
        strength: how clearly the invisible mark is there (``watermark.strength``); None where it could not be looked for.
    """

    file: str
    source_type: str | None
    software: str | None
    strength: float | None

    @property
    def watermark(self) -> bool | None:
        """Whether the invisible mark is there; None where it could not be looked for."""
        return None if self.strength is None else self.strength >= watermark.ENOUGH

    @property
    def synthetic(self) -> bool:
        """Whether either says so."""
        return self.source_type in SYNTHETIC or bool(self.watermark)

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "synthetic": self.synthetic,
            "source_type": self.source_type,
            "software": self.software,
            "watermark": self.watermark,
            "watermark_strength": None if self.strength is None else round(self.strength, 2),
        }


def look(path: Path) -> Found:
    """What the picture in ``path`` says of itself.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            said = image.info.get(XMP) or image.info.get("xmp") or ""
            software = image.info.get(SOFTWARE)
            pixels = np.asarray(image.convert("RGB")) if _is_colour(image) else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({one_line(error, 120)})"
        raise UserError(f"{path} is no picture that can be read{why}") from error
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    term = _TERM.search(words)
    strength = None if pixels is None else watermark.strength(pixels)
    return Found(str(path), term and term.group(1), software, strength)


def _is_colour(image: Image.Image) -> bool:
    """Whether it can hold the invisible mark: pictures of 16 bits are maps."""
    return image.mode in ("RGB", "RGBA", "P", "L", "CMYK")
