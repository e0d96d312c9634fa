"""The benchmark of the lite structure estimator, its baseline, and what counts against a method."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.inflation import heights, inflated
from benchmarks.structure import Found, figures, over_picture, rows_said, table, truth_of
from humanverse.compare.normal import angles
from pipelines.lite_structure.scores import mean, measured
from tests.pipelines.lite_structure.balls import ball


def test_an_inflated_disc_is_half_a_ball() -> None:
    x, y = np.meshgrid(*[np.arange(81) - 40.0] * 2)
    disc = x**2 + y**2 < 30.5**2
    found = heights(disc)
    assert found[40, 40] == pytest.approx(30.5, rel=0.03) and found[~disc].max() == 0
    depth, normal = inflated(disc)
    inner = x**2 + y**2 < 25**2
    ball_normal = np.stack([x, -y, np.sqrt(np.maximum(30.5**2 - x**2 - y**2, 0))], axis=2)[inner]
    assert np.median(angles(np.moveaxis(normal, 0, 2)[inner], ball_normal)) < 2
    assert depth[40, 40] == depth.min()


def test_an_empty_silhouette_is_flat() -> None:
    depth, normal = inflated(np.zeros((4, 5), bool))
    assert np.ptp(depth) == 0 and (normal[2] == 1).all()


def test_the_true_maps_have_no_error_and_left_out_pixels_count_as_wrong() -> None:
    truth = truth_of(ball(0))
    whole = measured(truth, (truth.depth, truth.normal, truth.people))
    assert whole.normal_median_deg < 1e-3 and whole.depth_delta1 == 1 and whole.covered == 1
    half = truth.people.copy()
    half[:, : int(np.nonzero(truth.people)[1].mean()) + 4] = False
    part = measured(truth, (truth.depth, truth.normal, half))
    assert part.normal_median_deg == 180 and part.depth_delta1 == pytest.approx(part.covered) and part.covered < 0.5
    nothing = measured(truth, (truth.depth, truth.normal, np.zeros_like(truth.people)))
    assert (nothing.depth_delta1, nothing.covered) == (0, 0)


def test_a_map_is_read_where_it_lies() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    read = over_picture(values, (1.0, 1.0, 7.0, 5.0), (8, 6))
    assert read.shape == (6, 8) and np.isnan(read[0]).all() and np.isnan(read[:, [0, 7]]).all()
    np.testing.assert_array_equal(read[1:5, 1:7], values.repeat(2, axis=0).repeat(2, axis=1))


def test_rows_are_those_of_the_people() -> None:
    said = rows_said(ball(0), np.random.default_rng(0))
    assert np.shape(said["person"]["boxes"]) == (1, 4) and np.shape(said["pose"]["keypoints"]) == (1, 399)


def test_the_figures_are_named_as_the_design_has_them() -> None:
    truth = truth_of(ball(0))
    good = measured(truth, (truth.depth, truth.normal, truth.people))
    bad = measured(truth, (*inflated(truth.people), truth.people))
    found = figures(Found(mean([good, good]), bad, bad, [0.1, 0.3, 0.2]))
    names = {
        "normal_median_deg",
        "depth_delta1",
        "inflation_normal_median_deg",
        "inflation_depth_delta1",
        "ms_per_image",
    }
    assert names <= found.keys() and found["ms_per_image"] == 200
    assert found["normal_median_deg"] < found["inflation_normal_median_deg"]
    assert "lite-structure" in table(found) and "inflated mask" in table(found)
