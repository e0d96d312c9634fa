"""Lines on what can be made, but hardly as it was meant: they hold up nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from humanverse.drawing.skeleton import SEEN
from humanverse.generation.request import Request
from humanverse.generation.skeletons import Skeleton
from humanverse.plurals import plural, word

if TYPE_CHECKING:
    from humanverse.generation.generator import Generator

LEAST_POINTS = 6
"""Points of a person, of 133, that must be seen: of fewer no posture can be told."""


def unread(generator: Generator, requests: Iterable[Request]) -> list[str]:
    """A line for each prompt, also a negative one, of which a text encoder does not read the end. Loads the models."""
    prompts = [text for request in requests for text in (request.prompt, request.negative) if text]
    ends = [end for prompt in dict.fromkeys(prompts) if (end := generator.unread(prompt))]
    return [
        f'a prompt is too long for the text encoder, which does not read its end "{end}": make it shorter'
        for end in ends
    ]


def few_points(name: str, skeletons: Iterable[Skeleton]) -> list[str]:
    """A line if somebody has so few points that are seen that they can hardly guide a picture.

    Args:
        name: of what the skeletons were read from.
        skeletons: of a drawing nobody is known.
    """
    people = [person for skeleton in skeletons for person in skeleton.placed(skeleton.size)]
    seen = [count for count in map(_seen, people) if count]
    few = [count for count in seen if count < LEAST_POINTS]
    if not few:
        return []
    points = plural(min(few), "point")
    if len(seen) == 1:
        return [f"{name}: the person has only {points} that can be seen, which hardly guide a picture"]
    return [
        f"{name}: {len(few)} of {len(seen)} people {word(len(few), 'has', 'have')} fewer than {LEAST_POINTS} "
        f"points that can be seen (one has {points}), "
        "which hardly guide a picture"
    ]


def _seen(person: np.ndarray) -> int:
    """Points of a person, float32 (133, 3), that are drawn."""
    return int((np.isfinite(person).all(axis=1) & (person[:, 2] >= SEEN)).sum())
