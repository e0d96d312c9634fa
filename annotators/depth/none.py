"""No depth: the honest answer of a setting that has no estimator for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotators.base import Annotator, Card, Picture, Row, Unavailable

REASON = "no estimator of depth runs without a model hub: choose another annotator of this kind"


class NoDepth(Annotator):
    """Says of every picture that nothing can be said."""

    card = Card(
        kind="depth",
        name="none",
        version=1,
        summary="no depth: every row is unavailable, with the reason",
        model="none",
        licence="none needed",
        protocol="none",
        output="rows with status unavailable; never a made-up map",
    )

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [Unavailable(REASON) for _ in pictures]
