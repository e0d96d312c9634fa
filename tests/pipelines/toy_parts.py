"""Annotators of parts of people for tests, named as ``segmentation=tests.pipelines.toy_parts:Bands``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable

LABELS = ("Background", "Hair", "Left_Shoe", "Bag")


class BandsSettings(Settings):
    """Attributes:
    hair: the share of the map's width that is hair, from the left; then comes a shoe of a quarter of it.
    """

    hair: float = 0.5


class Bands(Annotator):
    """Says that the left of every picture is hair, and what is beside it a shoe; of the lowest row of pixels nothing."""

    card = Card("segmentation", "bands", 1, "for tests", "none", "none", "none", "none")
    Settings = BandsSettings
    settings: BandsSettings
    looks = False

    def describes(self) -> dict[str, Any]:
        return {"labels": list(LABELS)}

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        ids = np.zeros((24, 32), np.uint8)
        hair = round(32 * self.settings.hair)
        ids[:, :hair], ids[:, hair : hair + 8], ids[-1] = 1, 2, 255
        return [{"map": ids, "label_names": [LABELS[label] for label in np.unique(ids[:-1])]} for _ in pictures]


class Misnames(Bands):
    """Says fewer names than labels."""

    card = Card("segmentation", "misnames", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"map": np.zeros((4, 4), np.uint8), "label_names": []} for _ in pictures]


class Averages(Bands):
    """Says numbers between labels."""

    card = Card("segmentation", "averages", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"map": np.full((4, 4), 0.5, np.float32), "label_names": ["Hair"]} for _ in pictures]


class Nameless(Bands):
    """Does not say what its ids are."""

    card = Card("segmentation", "nameless", 1, "for tests", "none", "none", "none", "none")

    def describes(self) -> dict[str, Any]:
        return {}


class HairShare(Annotator):
    """Says how much of the picture is hair, by the map of the segmentation layer."""

    card = Card("aesthetic", "hair-share", 1, "for tests", "none", "none", "none", "none", needs=("segmentation",))
    looks = False

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        from humanverse.codec.maps import decode_segmentation

        return [{"score": float((decode_segmentation(row["map"]) == 1).mean())} for row in needs["segmentation"]]
