"""What the labels of a segmentation mean beyond one layer: the same name written otherwise, the other side's, people's share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.layers import BACKGROUND_LABEL

_BETWEEN = re.compile(r"[\W_]+")
_OTHER_SIDE = {"left": "right", "right": "left"}


def key_of(name: str) -> str:
    """What two names have in common if they mean the same: ``Left_Shoe`` and ``left-shoe`` are both ``left shoe``."""
    return _BETWEEN.sub(" ", name).strip().casefold()


def mirrored(names: Sequence[str]) -> list[int]:
    """Of each label the id of what it is in a mirrored picture: that of ``Right_Shoe`` for ``Left_Shoe``, mostly its own.

    Args:
        names: of the ids from 0 on.
    """
    ids = {key_of(name): number for number, name in enumerate(names)}
    others = (" ".join(_OTHER_SIDE.get(word, word) for word in key.split()) for key in map(key_of, names))
    return [ids.get(other, number) for number, other in enumerate(others)]


def people_area(row: Mapping[str, Any]) -> float:
    """The share of a map that shows people: of every label but the background.

    Args:
        row: of a segmentation layer, ok.
    """
    labelled = zip(row["labels"], row["label_areas"], strict=True)
    return float(sum(area for label, area in labelled if label != BACKGROUND_LABEL))
