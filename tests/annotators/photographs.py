"""Real photographs for the annotators' tests, and rows made from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from annotators import registry
from annotators.base import Annotator, Picture, Row, Unavailable
from annotators.run import Runner
from humanverse.codec import encode_jpeg
from schemas.layers import KINDS

DATA = Path(__file__).parents[3] / "shared" / "data"
PERSON = "obama3.jpg"
"""One man from the waist up, arms crossed."""
SEVERAL = "000000442450.jpg"
"""Two men from head to foot, one of them throws."""
CROWD = "000000329323.jpg"
"""A crowd outdoors."""
NOBODY = "000000418281.jpg"
"""A cow on a meadow."""
TEXT = "000000226111.jpg"
"""A street sign full of words."""


def photograph(name: str) -> Picture:
    """One of the test photographs; the test is skipped where these are absent."""
    path = DATA / "images" / name
    if not path.is_file():
        pytest.skip(f"the test photographs are not at {DATA}")
    return Picture(name, path.read_bytes())


def shifted(picture: Picture, right: int, down: int) -> Picture:
    """The picture with grey added at its left and top."""
    framed = np.pad(picture.rgb, ((down, 0), (right, 0), (0, 0)), constant_values=128)
    return Picture(picture.uid, encode_jpeg(framed, 98))


@cache
def loaded(kind: str, name: str) -> Annotator:
    """An annotator with its default settings, loaded once for all tests."""
    annotator = registry.get(kind, name)()
    annotator.load()
    return annotator


def row(kind: str, name: str, picture: Picture, needs: Mapping[str, Row] | None = None) -> Row:
    """The answer for one picture, without uid and status."""
    answer = loaded(kind, name).annotate([picture], {need: [said] for need, said in (needs or {}).items()})[0]
    assert not isinstance(answer, Unavailable)
    return answer


def person_row(picture: Picture) -> Row:
    """The lite person layer's row of a picture, as another annotator gets it."""
    return {"status": "ok", "reason": None, **row("person", "ssd-mobilenet-v2", picture)}


def table(kind: str, name: str, pictures: list[Picture], needs: Mapping[str, list[Row]] | None = None) -> pa.Table:
    """The layer of several pictures, which must have the kind's schema and one ``ok`` row per picture."""
    made = Runner(loaded(kind, name)).table(pictures, needs or {})
    assert made.schema == KINDS[kind].schema
    assert made["uid"].to_pylist() == [picture.uid for picture in pictures]
    assert made["status"].to_pylist() == ["ok"] * len(pictures), made["reason"].to_pylist()
    return made
