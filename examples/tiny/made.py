"""What both stages make of held-out skeletons and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from held_out import HeldOut
from pictured import Pictured, with_maps

from humanverse.generation import Generator, People, Request

BATCH = 16


@dataclass(frozen=True, eq=False)
class Made:
    """What was made of a sample.

    Attributes:
        told: what was asked for.
        skeleton: uint8 (side, side, 3), as it was drawn.
        shown: stage 1's picture and maps.
        refined: stage 2's picture, with stage 1's maps in its size.
    """

    told: HeldOut
    skeleton: np.ndarray
    shown: Pictured
    refined: Pictured


def make(told: Sequence[HeldOut], model: Path, refiner: Path, device: str, steps: int, guidance: float) -> list[Made]:
    """One picture of each; its seed is its number."""
    generator = Generator(str(model), str(refiner), device=device, mark=False)
    requests = [
        Request(
            one.caption,
            People.of([one.person], one.stored),
            seed=number,
            steps=steps,
            guidance=guidance,
            original=one.stored,
        )
        for number, one in enumerate(told)
    ]
    found = []
    for one, done in zip(told, generator.stream(requests, BATCH), strict=True):
        assert done.depth is not None and done.normal is not None and done.refined is not None
        name = f"{one.rendered.name}-made"
        shown = replace(one.rendered, name=name, rgb=done.rgb, depth=done.depth, normal=done.normal)
        found.append(Made(one, done.skeleton, shown, with_maps(shown, done.refined)))
    return found
