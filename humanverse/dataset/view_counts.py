"""How many samples each step of a view leaves, over all shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from humanverse.dataset.selection import Selection
from humanverse.dataset.status import over_shards
from humanverse.dataset.view_cards import Counts, Step


def count(selection: Selection, shards: Sequence[int], done: Callable[[int], None] = lambda samples: None) -> Counts:
    """The funnel of a view.

    Args:
        done: told the number of samples in each shard when it is counted.

    Raises:
        DatasetError: if something is damaged, or the view cannot be read with one of the shards.
    """
    samples = 0
    steps: tuple[Step, ...] = ()
    for part in over_shards(lambda shard: selection.read(shard, ["row"]), shards):
        samples += part.samples
        steps = tuple(a + b for a, b in zip(steps, part.steps, strict=True)) if steps else part.steps
        done(part.samples)
    return Counts(shards=len(shards), samples=samples, steps=steps)
