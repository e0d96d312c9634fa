"""Relative depth of people by the lite structure network, on a CPU."""

from __future__ import annotations

import numpy as np

from annotators.base import Card, Row
from annotators.structure.card import facts
from annotators.structure.estimator import LiteStructure, Maps, masked


class LiteStructureDepth(LiteStructure):
    """How far people's surfaces are, up to a scale and a shift of each picture; nothing beside the people."""

    card = Card(
        kind="depth",
        name="lite-structure",
        summary="relative depth of people by a small network trained on synthetic bodies, on a CPU",
        output=(
            "relative depth, larger is farther, of no known scale or shift, which are the same for all people of a picture; "
            "none beside the people"
        ),
        **facts(),
    )

    def row(self, maps: Maps, people: np.ndarray) -> Row:
        depth = masked(maps.depth, people, self.settings.map_side)
        return {"map": depth, "depth_kind": "relative", "unit": None}
