"""Which text is encoded: to the letter the one that the trainer would show, for it compares them."""

from __future__ import annotations

from collections.abc import Mapping

from annotators.base import Picture, Row, Unavailable
from schemas.layers import OK


def from_source(picture: Picture, said: Mapping[str, Row]) -> str | Unavailable:
    """The source's caption, its alt text."""
    caption = picture.caption or ""
    return caption if caption.strip() else Unavailable("the source says nothing of it")


def from_layer(picture: Picture, said: Mapping[str, Row]) -> str | Unavailable:
    """The text of the caption layer."""
    row = said["caption"]
    return str(row["text"]) if row["status"] == OK else Unavailable(f"its caption row is {row['status']}")
