"""Kinds for which a preset has no estimator: every row is unavailable and says why. Nothing is made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotators.base import Annotator, Card, Picture, Row, Unavailable


def _card(kind: str) -> Card:
    return Card(
        kind=kind,
        name="none",
        version=1,
        summary=f"no {kind}: every row is unavailable, with the reason",
        model="none",
        licence="none needed",
        protocol="none",
        output="rows with status unavailable; never a made-up map",
        source="none needed",
        speed="instant",
        preset="lite",
    )


class Absent(Annotator):
    """Says of every picture that nothing can be said."""

    cpu_only = True
    looks = False

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        reason = f"no estimator of {self.card.kind} runs without a model hub: choose another annotator of this kind"
        return [Unavailable(reason) for _ in pictures]


class NoDepth(Absent):
    """Stands where a depth estimator would."""

    card = _card("depth")


class NoNormal(Absent):
    """Stands where a normal estimator would."""

    card = _card("normal")
