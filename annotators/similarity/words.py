"""Where the text comes from that a picture is compared with."""

from __future__ import annotations

from collections.abc import Mapping

from annotators.base import Picture, Row, Unavailable
from schemas.layers import OK

NO_SOURCE_CAPTION = "the source says nothing of it"


def from_source(picture: Picture, said: Mapping[str, Row]) -> str | Unavailable:
    """The source's caption, its alt text."""
    caption = (picture.caption or "").strip()
    return caption or Unavailable(NO_SOURCE_CAPTION)


def from_layer(picture: Picture, said: Mapping[str, Row]) -> str | Unavailable:
    """The text of the caption layer."""
    row = said["caption"]
    return row["text"].strip() if row["status"] == OK else Unavailable(f"its caption row is {row['status']}")
