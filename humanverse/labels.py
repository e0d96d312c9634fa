"""What the labels of a segmentation mean beyond one layer: the same name written otherwise, and how much of a map is people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schemas.layers import BACKGROUND_LABEL

_BETWEEN = re.compile(r"[\W_]+")


def key_of(name: str) -> str:
    """What two names have in common if they mean the same: ``Left_Shoe`` and ``left-shoe`` are both ``left shoe``."""
    return _BETWEEN.sub(" ", name).strip().casefold()


def people_area(row: Mapping[str, Any]) -> float:
    """The share of a map that shows people: of every label but the background.

    Args:
        row: of a segmentation layer, ok.
    """
    labelled = zip(row["labels"], row["label_areas"], strict=True)
    return float(sum(area for label, area in labelled if label != BACKGROUND_LABEL))
