"""What rows say of their maps' pixels, held against the pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.codec.maps import decode_segmentation, label_areas

SLACK = 1e-5
"""By how much an area may be off: it is stored as float32."""


@dataclass(frozen=True)
class Said:
    """What the rows of one kind say of a map.

    Attributes:
        columns: that say it.
        fault: what is untrue in them, in words that follow the map's name; None if all is true.
    """

    columns: tuple[str, ...]
    fault: Callable[[bytes, Mapping[str, Any]], str | None]


def _labels(png: bytes, row: Mapping[str, Any]) -> str | None:
    try:
        labels, areas = label_areas(decode_segmentation(png))
    except ValueError as error:
        return f"cannot be read: {error}"
    if labels != row["labels"]:
        return f"has the labels {labels}, and its row {row['labels']}"
    said = np.array(row["label_areas"] or [], float)
    if said.shape != (len(areas),) or not (np.abs(said - areas) <= SLACK).all():
        return "has other label_areas than its row says"
    return None


NOTHING = Said((), lambda png, row: None)
SAID: Mapping[str, Said] = {"segmentation": Said(("labels", "label_areas"), _labels)}
"""By kind; the others say nothing but the size."""
