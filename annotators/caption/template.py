"""A plain sentence composed of what the person and pose layers say. It names no more than they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.caption.posture import Body, arms_raised, framing, posture
from schemas.layers import OK
from schemas.skeletons import BODY

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class TemplateSettings(Settings):
    """Attributes:
    min_person_score: from which score on a person is counted.
    """

    min_person_score: float = Field(default=0.4, ge=0, le=1)


def sentence(bodies: Sequence[Body]) -> str:
    """The caption for the people of one picture. With nobody in it, it says "A photo." and no more."""
    if not bodies:
        return "A photo."
    if len(bodies) == 1:
        return _about_one(bodies[0])
    number = _WORDS[len(bodies)] if len(bodies) < len(_WORDS) else str(len(bodies))
    postures = Counter(posture(body) for body in bodies)
    said = [
        (how if count == len(bodies) else f"{_WORDS[count] if count < len(_WORDS) else count} {how}")
        for how, count in sorted(postures.items(), key=lambda item: (-item[1], str(item[0])))
        if how
    ]
    return f"A photo of {number} people{', ' + ' and '.join(said) if said else ''}."


def _about_one(body: Body) -> str:
    view, how = framing(body), posture(body)
    said = [f"seen {view}" if view else None, how, "with both arms raised" if arms_raised(body) else None]
    return ", ".join(["A photo of one person", *(part for part in said if part)]) + "."


class Template(Annotator):
    """Counts people, and says framing and posture where the body points leave no doubt."""

    cpu_only = True
    card = Card(
        kind="caption",
        name="template",
        version=1,
        summary="a sentence on the number of people, framing and posture, composed from the person and pose layers",
        model="none: rules",
        licence="none needed",
        protocol="body points of confidence 0.5 or more; people of score 0.4 or more",
        output="English; it knows nothing of who people are, what they wear, what they do, or where they are",
        needs=("person", "pose"),
        source="none needed",
        speed="instant",
        preset="lite",
    )
    Settings = TemplateSettings
    looks = False
    settings: TemplateSettings

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(*rows) for rows in zip(needs["person"], needs["pose"], strict=True)]

    def _row(self, person: Row, pose: Row) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        counted = [score >= self.settings.min_person_score for score in person["scores"]]
        people = pose["keypoints"] if pose["status"] == OK else [np.zeros(len(BODY) * 3)] * len(counted)
        bodies = [
            Body(np.asarray(points, dtype=np.float64).reshape(-1, 3)[: len(BODY)])
            for points, is_counted in zip(people, counted, strict=True)
            if is_counted
        ]
        return {"text": sentence(bodies), "language": "en", "method": "template"}
