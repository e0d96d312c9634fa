"""How much of what B's dense maps say A's maps speak of too: nobody can look good by leaving out what is hard."""

from __future__ import annotations

import numpy as np

from humanverse.compare.findings import Numbers
from humanverse.compare.frames import Placed, known


class Coverage:
    """Of each picture where B says something, the share of its pixels that A has; see ``add``."""

    def __init__(self) -> None:
        self.shares = Numbers()

    def add(self, b: Placed | None, a: Placed | None, there: int, both: int) -> None:
        """One picture. What lies outside A's map counts as not covered.

        Args:
            b, a: the maps, floats with NaN where they say nothing; None if there is none.
            there: cells of the common grid (``frames``) that B has.
            both: cells that A has too.
        """
        if b is None or not known(b.values).any():
            return
        self.shares.add(both / there * share_inside(b, a.box) if a and there else 0.0)

    @property
    def mean(self) -> float | None:
        """Over pictures; None of none."""
        return self.shares.mean()

    @property
    def note(self) -> str:
        """The same for readers; may be empty."""
        share = self.mean
        return "" if share is None else f"A has {share:.1%} of B's pixels (mean over pictures); only these count."


def share_inside(one: Placed, box: tuple[float, float, float, float]) -> float:
    """Of the pixels of ``one`` that have a value, the share whose centres lie in ``box`` (of the stored picture); 0 of none."""
    said = known(one.values)
    x0, y0, x1, y1 = one.box
    height, width = said.shape
    xs, ys = x0 + (x1 - x0) * (np.arange(width) + 0.5) / width, y0 + (y1 - y0) * (np.arange(height) + 0.5) / height
    across, down = (xs >= box[0]) & (xs < box[2]), (ys >= box[1]) & (ys < box[3])
    return float(said[np.ix_(down, across)].sum()) / max(int(said.sum()), 1)
