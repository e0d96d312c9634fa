"""Depth A brought to the scale of depth B, before the two are compared.

Scale and shift (Ranftl et al., "Towards robust monocular depth estimation", TPAMI 2022): s and t minimise the sum of
(s a + t - b)² over the pixels that both have; here with s >= 0, so that a map that is the wrong way round does not come out
right. Scale (Zhou et al., "Unsupervised learning of depth and ego-motion from video", CVPR 2017): s = median(b) / median(a).
Either is fitted in inverse depth (1/d) if one of the two is ``inverse``, else in depth, and what comes out is of B's quantity: in
depth if B is ``metric`` or ``relative`` (an aligned inverse depth i is then 1/i, no farther than B's farthest point), in inverse
depth if B is ``inverse``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Fit = Callable[[np.ndarray, np.ndarray], tuple[float, float, bool]]


@dataclass(frozen=True)
class Alignment:
    """What brings depths or inverse depths A to B's quantity and scale; found by ``alignment``.

    Attributes:
        scale, shift: of the quantity in which they were fitted.
        turned: whether only a negative scale would have done it, so that everything becomes one value.
        least_inverse: 1 / B's farthest point; None where B is inverse or nothing is inverted.
    """

    scale: float
    shift: float
    turned: bool
    a_inverse: bool
    b_inverse: bool
    least_inverse: float | None

    def __call__(self, a: np.ndarray) -> np.ndarray:
        """``a``, float of any shape, as B; NaN where it is NaN, or has no inverse because it is not positive."""
        if not (self.a_inverse or self.b_inverse):
            return self.scale * a + self.shift
        inverse = a if self.a_inverse else 1 / np.where(a > 0, a, np.nan)
        fitted = self.scale * inverse + self.shift
        return fitted if self.least_inverse is None else 1 / np.maximum(fitted, self.least_inverse)


@dataclass(frozen=True)
class Aligned:
    """A brought to B's scale, float (n,); ``turned`` if only a negative scale would have done it, so that it is now constant."""

    values: np.ndarray
    turned: bool


def scale_and_shift(a: np.ndarray, b: np.ndarray) -> tuple[float, float, bool]:
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


def scale_alone(a: np.ndarray, b: np.ndarray) -> tuple[float, float, bool]:
    """s = median(b) / median(a), t = 0; s is 0 where the median of ``a`` is not positive, and only then the last is true."""
    middle = float(np.median(a))
    return (float(np.median(b)) / middle, 0.0, False) if middle > 0 else (0.0, 0.0, True)


def alignment(a: np.ndarray, b: np.ndarray, a_inverse: bool, b_inverse: bool, fit: Fit = scale_and_shift) -> Alignment:
    """What brings ``a`` to ``b``; both float (n,), n > 0, positive where they are depths that must be inverted."""
    if not (a_inverse or b_inverse):
        return Alignment(*fit(a, b), a_inverse, b_inverse, None)
    found = fit(a if a_inverse else 1 / a, b if b_inverse else 1 / b)
    return Alignment(*found, a_inverse, b_inverse, None if b_inverse else 1 / float(b.max()))


def align(a: np.ndarray, b: np.ndarray, a_inverse: bool, b_inverse: bool, fit: Fit = scale_and_shift) -> Aligned:
    """``a`` in B's quantity and scale; arguments as of ``alignment``."""
    found = alignment(a, b, a_inverse, b_inverse, fit)
    return Aligned(found(a), found.turned)
