"""Normals against maps of known angles."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.codec.maps import encode_normal
from humanverse.compare.measure import Pair, Said
from humanverse.compare.normal import Normal, angles
from tests.humanverse.compare.rows import IMAGE, sides


def tilted(degrees: np.ndarray) -> np.ndarray:
    """Unit vectors turned away from the camera's axis."""
    turn = np.radians(degrees)
    return np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=-1)


def said(normal: np.ndarray) -> Said:
    png, _ = encode_normal(normal)
    return Said({"map_box": [0.0, 0.0, 200.0, 100.0]}, {}, lambda: png)


def test_angles_are_exact_near_nought_and_half_a_turn() -> None:
    degrees = np.array([0.0, 1e-5, 30.0, 90.0, 179.99])
    ours = angles(tilted(degrees), np.tile([0.0, 0.0, 2.0], (5, 1)))
    np.testing.assert_allclose(ours, degrees, atol=1e-9)


def test_shares_below_each_level() -> None:
    flat = tilted(np.zeros((10, 20)))
    turned = tilted(np.repeat([[5.0, 15.0, 25.0, 50.0]], 10, axis=0).repeat(5, axis=1))
    measure = Normal(*sides("normal"))
    value = measure.add(Pair(IMAGE, said(turned), said(flat)))
    assert value == pytest.approx((5 + 15 + 25 + 50) / 4, abs=0.6)
    figures = measure.findings().figures
    assert [figures[name] for name in ("within_11.25", "within_22.5", "within_30")] == [0.25, 0.5, 0.75]
    assert figures["median"] == pytest.approx(20, abs=6)


def test_only_pixels_that_both_have() -> None:
    holed = tilted(np.zeros((10, 20)))
    other = tilted(np.full((10, 20), 40.0))
    holed[:, :10] = np.nan
    other[:, 10:] = tilted(np.full((10, 10), 0.0))
    measure = Normal(*sides("normal"))
    assert measure.add(Pair(IMAGE, said(holed), said(other))) == pytest.approx(0, abs=0.7)
    holed[:] = np.nan
    assert measure.add(Pair(IMAGE, said(holed), said(other))) is None
    assert measure.findings().figures["without_common_pixels"] == 1
