"""Pictures of a shard that look alike: the earliest row has the picture, the others are rejected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from humanverse.codec.phash import has_detail
from humanverse.similar.choice import choose
from pipelines.stages.outcome import Outcome
from schemas.ledger import Failure


def drop_similar(outcomes: Sequence[Outcome], rows: Sequence[int], distance: int) -> None:
    """Reject every picture whose perceptual hash is near to that of an earlier one of the shard that is kept.

    Pictures of hardly any detail, whose hashes say nothing, are left alone.

    Args:
        outcomes: of a shard, all.
        rows: their source rows, for the ledger's detail.
        distance: the most bits in which two pictures that look alike differ.
    """
    kept = [outcome for outcome in outcomes if outcome.prepared is not None and outcome.phash is not None]
    hashes = np.array([outcome.phash for outcome in kept], np.uint64)
    places = np.flatnonzero(has_detail(hashes))
    choice = choose(hashes[places], distance)
    for place, of, bits in zip(places[choice.left_out], places[choice.of], choice.distance, strict=True):
        kept[place].drop(Failure("near_duplicate", f"{bits} bits from row {rows[kept[of].index]}"))
