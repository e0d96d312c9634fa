"""Normals of people by the lite structure network, on a CPU."""

from __future__ import annotations

import numpy as np

from annotators.base import Card, Row
from annotators.maps import unit
from annotators.structure.card import facts
from annotators.structure.estimator import LiteStructure, Maps, masked


class LiteStructureNormal(LiteStructure):
    """Which way people's surfaces face; nothing beside the people."""

    card = Card(
        kind="normal",
        name="lite-structure",
        summary="normals of people by a small network trained on synthetic bodies, on a CPU",
        output="unit vectors in camera space, x right, y up, z towards the camera; none beside the people",
        **facts(),
    )

    def row(self, maps: Maps, people: np.ndarray) -> Row:
        return {"map": unit(masked(maps.normal, people, self.settings.map_side))}
