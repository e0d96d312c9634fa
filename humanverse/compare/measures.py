"""Which measure compares which kind. A new kind is one class in one file, and one entry here."""

from __future__ import annotations

from collections.abc import Callable

from humanverse.compare.caption import Caption
from humanverse.compare.depth import Depth
from humanverse.compare.embedding import Embedding
from humanverse.compare.measure import Measure, Side
from humanverse.compare.normal import Normal
from humanverse.compare.person import Person
from humanverse.compare.pose import Pose
from humanverse.compare.scalars import COLUMNS, Scalars
from humanverse.compare.segmentation import Segmentation

MEASURES: dict[str, Callable[[Side, Side], Measure]] = {
    "person": Person,
    "pose": Pose,
    "depth": Depth,
    "normal": Normal,
    "segmentation": Segmentation,
    "caption": Caption,
    "embedding": Embedding,
    **dict.fromkeys(COLUMNS, Scalars),
}
