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


def align(a: np.ndarray, b: np.ndarray, a_inverse: bool, b_inverse: bool, fit: Fit = scale_and_shift) -> Aligned:
    """``a`` in B's quantity and scale; both float (n,), positive where they are depths that must be inverted."""
    if not (a_inverse or b_inverse):
        scale, shift, turned = fit(a, b)
        return Aligned(scale * a + shift, turned)
    in_a, in_b = a if a_inverse else 1 / a, b if b_inverse else 1 / b
    scale, shift, turned = fit(in_a, in_b)
    inverse = scale * in_a + shift
    return Aligned(inverse if b_inverse else 1 / np.maximum(inverse, 1 / b.max()), turned)
