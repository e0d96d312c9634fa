"""Normals against maps of known angles."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.codec.maps import encode_normal
from humanverse.compare.measure import Pair, Said
from humanverse.compare.normal import LEVELS, STEP, AllPixels, Normal, angles
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


def test_all_pixels_count_alike_whatever_picture_they_are_in() -> None:
    """3 pixels at 10 degrees, then 1 at 50: the mean of pictures is 30, that of pixels 20."""
    measure = Normal(*sides("normal"))
    for shape, degrees in (((1, 3), 10.0), ((1, 1), 50.0)):
        measure.add(Pair(IMAGE, said(tilted(np.full(shape, degrees))), said(tilted(np.zeros(shape)))))
    figures = measure.findings().figures
    assert (figures["mean"], figures["median"]) == (pytest.approx(30, abs=0.7), pytest.approx(30, abs=0.7))
    pooled = figures["all_pixels"]
    assert (pooled["mean"], pooled["median"]) == (pytest.approx(20, abs=0.7), pytest.approx(10, abs=0.7))
    assert (pooled["within_11.25"], figures["within_11.25"]) == (0.75, 0.5)


def test_the_median_of_all_pixels_is_that_of_the_angles() -> None:
    random = np.random.default_rng(2)
    found = [random.gamma(2, 12, size).clip(0, 180) for size in (3000, 501, 2000)]
    pixels = AllPixels()
    for some in found:
        pixels.add(some)
    together = np.concatenate(found)
    figures = pixels.figures()
    assert figures["median"] == pytest.approx(np.median(together), abs=2 * STEP)
    assert figures["mean"] == pytest.approx(together.mean(), rel=1e-9)
    assert [figures[f"within_{level:g}"] for level in LEVELS] == [(together < level).mean() for level in LEVELS]
    assert set(AllPixels().figures().values()) == {None}
    pixels.add(np.array([180.0]))


def test_how_much_of_b_is_covered() -> None:
    holed, whole = tilted(np.zeros((10, 20))), tilted(np.zeros((10, 20)))
    holed[:, :15] = np.nan
    measure = Normal(*sides("normal"))
    measure.add(Pair(IMAGE, said(holed), said(whole)))
    assert measure.findings().covered == 0.25
    measure.add(Pair(IMAGE, said(whole), said(holed)))
    assert measure.findings().covered == (0.25 + 1) / 2
    measure.add(Pair(IMAGE, Said({"map_box": None}, {}, lambda: None), said(whole)))
    found = measure.findings()
    assert found.covered == pytest.approx((0.25 + 1 + 0) / 3)
    assert "41.7% of B's pixels" in found.notes[0]
    assert [item.name for item in found.headlines] == ["mean", "median", "<11.25°"]
