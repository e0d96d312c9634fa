"""What a file says of itself."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import humanverse
from humanverse.errors import UserError
from humanverse.generation import marks

GREY = Image.new("RGB", (32, 32), (90, 90, 90))
EXTENSION = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def test_the_png_says_what_made_it_in_xmp_and_text() -> None:
    image = Image.open(io.BytesIO(marks.png(GREY)))
    assert image.info["Software"] == f"humanverse {humanverse.__version__}"
    packet = image.info["XML:com.adobe.xmp"]
    description = ElementTree.fromstring(packet[packet.index("<x:") : packet.rindex("<?xpacket")])[0][0]
    assert description.attrib[EXTENSION] == ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia")
    assert np.array_equal(np.asarray(image), np.asarray(GREY))


def test_a_look_at_files(tmp_path: Path) -> None:
    plain, marked, drawn, depth = (tmp_path / f"{name}.png" for name in ("plain", "marked", "drawn", "depth"))
    GREY.save(plain)
    marked.write_bytes(marks.png(GREY))
    drawn.write_bytes(marks.png(GREY, marks.DRAWN))
    depth.write_bytes(marks.png(Image.fromarray(np.zeros((300, 300), np.uint16))))
    found = {path.stem: marks.look(path) for path in (plain, marked, drawn, depth)}
    assert {name: (item.synthetic, item.source_type) for name, item in found.items()} == {
        "plain": (False, None),
        "marked": (True, "trainedAlgorithmicMedia"),
        "drawn": (True, "algorithmicMedia"),
        "depth": (True, "trainedAlgorithmicMedia"),
    }
    assert all(item.strength is None and item.watermark is None for item in found.values())


def test_words_of_a_jpeg_are_read(tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(marks.png(GREY)))
    image.save(tmp_path / "one.jpg", xmp=image.info["XML:com.adobe.xmp"].encode())
    assert marks.look(tmp_path / "one.jpg").source_type == marks.TRAINED


def test_a_photograph_that_says_so_is_not_synthetic(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(marks.png(GREY, "digitalCapture"))
    assert not marks.look(tmp_path / "one.png").synthetic


def test_what_is_no_picture_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_text("no picture")
    with pytest.raises(UserError, match="is no picture that can be read"):
        marks.look(tmp_path / "one.png")
