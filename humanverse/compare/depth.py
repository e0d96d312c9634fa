"""Depth against depth: after least-squares alignment of scale and shift, and as it is where both are metric.

Alignment (Ranftl et al., "Towards robust monocular depth estimation", TPAMI 2022): with a and b the maps on one grid, s and t
minimise the sum of (s a + t - b)² over the pixels that both have; here with s >= 0, so that a map that is the wrong way round
does not come out right. It is done in inverse depth (1/d) if one of the two is ``inverse``, else in depth. Figures are of B's
quantity: in depth if B is ``metric`` or ``relative`` (an aligned inverse depth i is then 1/i, no farther than B's farthest
point), in inverse depth if B is ``inverse``.

AbsRel = mean |a - b| / b; RMSE = root of the mean of (a - b)²; delta n = share of pixels with max(a/b, b/a) < 1.25^n
(Eigen et al., NIPS 2014). Only pixels with b > 0 count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.codec.maps import decode_depth
from humanverse.compare.findings import Findings, Numbers, Table, distributions
from humanverse.compare.frames import Placed, on_one_grid
from humanverse.compare.measure import Measure, Pair, Said, Side

INVERSE, METRIC = "inverse", "metric"
LEAST_PIXELS = 16
FIGURES = ("abs_rel", "rmse", "delta1", "delta2", "delta3")


@dataclass(frozen=True)
class Aligned:
    """A brought to B's scale, float (n,); ``turned`` if only a negative scale would have done it, so that it is now constant."""

    values: np.ndarray
    turned: bool


def fit(a: np.ndarray, b: np.ndarray) -> tuple[float, float, bool]:
    """s >= 0 and t that minimise the sum of (s a + t - b)², and whether a negative s would do better.

    Args:
        a, b: float (n,), n > 0. Where ``a`` is constant s is 0.
    """
    middle_a, middle_b = a.mean(), b.mean()
    spread = float(((a - middle_a) ** 2).sum())
    if spread <= 1e-12 * max(float((a**2).sum()), 1e-300):
        return 0.0, float(middle_b), False
    free = float(((a - middle_a) * (b - middle_b)).sum()) / spread
    scale = max(free, 0.0)
    return scale, float(middle_b - scale * middle_a), free < 0


def align(a: np.ndarray, b: np.ndarray, a_inverse: bool, b_inverse: bool) -> Aligned:
    """``a`` in B's quantity and scale; both float (n,), positive where they are depths that must be inverted."""
    if not (a_inverse or b_inverse):
        scale, shift, turned = fit(a, b)
        return Aligned(scale * a + shift, turned)
    in_a, in_b = a if a_inverse else 1 / a, b if b_inverse else 1 / b
    scale, shift, turned = fit(in_a, in_b)
    inverse = scale * in_a + shift
    return Aligned(inverse if b_inverse else 1 / np.maximum(inverse, 1 / b.max()), turned)


def errors(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """``FIGURES`` of ``a`` against ``b``: float (n,), n > 0, b > 0."""
    apart = np.abs(a - b)
    worse = np.full(len(a), np.inf)
    np.divide(np.maximum(a, b), np.minimum(a, b), out=worse, where=a > 0)
    deltas = {f"delta{power}": float((worse < 1.25**power).mean()) for power in (1, 2, 3)}
    return {"abs_rel": float((apart / b).mean()), "rmse": float(np.sqrt((apart**2).mean())), **deltas}


def _placed(said: Said) -> Placed | None:
    png = said.png()
    if png is None:
        return None
    return Placed(decode_depth(png, said.row["scale"], said.row["offset"]), tuple(said.row["map_box"]))


class Depth(Measure):
    """Agreement of two depth layers."""

    disagreement = "AbsRel after alignment"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._aligned = {name: Numbers() for name in FIGURES}
        self._as_is = {name: Numbers() for name in FIGURES}
        self._kinds: Counter[str] = Counter()
        self._skipped, self._turned = 0, 0

    def add(self, pair: Pair) -> float | None:
        maps = _placed(pair.a), _placed(pair.b)
        grid = on_one_grid(maps[0], maps[1]) if maps[0] and maps[1] else None
        kinds = str(pair.a.row["depth_kind"]), str(pair.b.row["depth_kind"])
        if grid is None:
            self._skipped += 1
            return None
        a, b = (one.ravel() for one in grid)
        inverse_a, inverse_b = (kind == INVERSE for kind in kinds)
        valid = np.isfinite(a) & np.isfinite(b) & (b > 0)
        if inverse_b and not inverse_a:
            valid &= a > 0
        if valid.sum() < LEAST_PIXELS:
            self._skipped += 1
            return None
        self._kinds[f"{kinds[0]} against {kinds[1]}"] += 1
        return self._measure(a[valid], b[valid], inverse_a, inverse_b, kinds == (METRIC, METRIC))

    def _measure(self, a: np.ndarray, b: np.ndarray, inverse_a: bool, inverse_b: bool, as_is: bool) -> float:
        aligned = align(a, b, inverse_a, inverse_b)
        self._turned += aligned.turned
        found = errors(aligned.values, b)
        _note(self._aligned, found)
        if as_is:
            _note(self._as_is, errors(a, b))
        return found["abs_rel"]

    def findings(self) -> Findings:
        means = {"aligned": _means(self._aligned), "as_it_is": _means(self._as_is)}
        figures: dict[str, Any] = {
            **{name: found for name, found in means.items() if found["pictures"]},
            "kinds": dict(self._kinds),
            "without_common_pixels": self._skipped,
            "negative_scale": self._turned,
        }
        named = {"aligned": "after alignment", "as_it_is": "as it is (both metric)"}
        rows = [(named[name], *found.values()) for name, found in means.items() if found["pictures"]]
        columns = ("A against B", "pictures", "AbsRel", "RMSE", "< 1.25", "< 1.25²", "< 1.25³")
        table = Table("Depth", columns, tuple(rows), "Means over pictures. RMSE is in B's unit.")
        shown = [
            ("AbsRel after alignment", self._aligned["abs_rel"], "free"),
            ("share < 1.25 after alignment", self._aligned["delta1"], "unit"),
        ]
        return Findings(figures, (table,) if rows else (), distributions(shown), self._notes())

    def _notes(self) -> tuple[str, ...]:
        quantity = (
            "Scale and shift are fitted in inverse depth where one of the two is inverse, else in depth; figures are of B's "
            "quantity."
        )
        kinds = "; ".join(f"{name}: {number} pictures" for name, number in self._kinds.most_common())
        turned = f"In {self._turned} pictures A shrinks where B grows: no positive scale helps." if self._turned else ""
        skipped = f"{self._skipped} pictures have too few pixels that both maps cover." if self._skipped else ""
        return tuple(note for note in (quantity, kinds, turned, skipped) if note)


def _note(into: dict[str, Numbers], found: dict[str, float]) -> None:
    for name, value in found.items():
        into[name].add(value)


def _means(numbers: dict[str, Numbers]) -> dict[str, float | int | None]:
    values = {name: item.values() for name, item in numbers.items()}
    means = {name: float(found.mean()) if len(found) else None for name, found in values.items()}
    return {"pictures": len(values["abs_rel"]), **means}
