"""Views of an example: what is true of them stays true, whatever is done to the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotators.pose.crops import Window
from annotators.structure.inputs import CHANNELS
from humanverse.compare.normal import angles
from pipelines.lite_structure import said, views
from pipelines.lite_structure.examples import load
from pipelines.lite_structure.held_out import views as held_out
from pipelines.lite_structure.pixels import Backdrops, developed, made_up
from schemas.skeletons import PARTS, WHOLEBODY
from tests.pipelines.lite_structure.balls import SIDE, ball, cache


def consistent(view: views.View) -> None:
    """The ball's normals are those of its depth: both tell where on the ball a pixel is."""
    x, y, z = view.normal[:, view.known]
    np.testing.assert_allclose(z, (3 - view.depth[view.known]) / 0.5, atol=0.03)
    rows, columns = np.nonzero(view.known)
    assert np.corrcoef(x, columns)[0, 1] > 0.95 and np.corrcoef(y, -rows)[0, 1] > 0.95
    np.testing.assert_allclose(np.linalg.norm(view.normal[:, view.known], axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_depth_and_normals_of_varied_views_agree(seed: int) -> None:
    view = views.varied(ball(seed), np.random.default_rng(seed), 64, Backdrops())
    assert view.input.shape == (CHANNELS, 64, 64) and view.input.dtype == np.float32
    assert np.isfinite(view.input).all() and view.known.any()
    if view.known[[0, -1]].any() or view.known[:, [0, -1]].any():
        return
    consistent(view)


def test_a_plain_view_shows_the_people_in_the_middle_and_is_always_the_same(tmp_path: Path) -> None:
    paths = cache(tmp_path, 3)
    first, again = held_out(paths, 64), held_out(paths[::-1], 64)[::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.input, other.input)
        consistent(one)
        rows, columns = np.nonzero(one.people)
        assert abs(rows.mean() - 32) < 8 and abs(columns.mean() - 32) < 8


def test_a_rolled_camera_turns_the_normals_with_the_picture() -> None:
    example = ball(0)
    x0, y0, x1, y1 = example.boxes[0]
    window = Window(float(x0 + x1) / 2, float(y0 + y1) / 2, 1.2 * float(x1 - x0))
    depth, upright, _ = views._truth(example, window, 64)
    _, rolled, _ = views._truth(example, replace(window, angle=0.7), 64)
    known = depth > 0
    assert np.median(angles(rolled[known], upright[known])) < 3


def test_estimates_err_but_not_much_and_never_have_small_toes() -> None:
    example = ball(1)
    rng = np.random.default_rng(0)
    many = np.array([said.points_said(example.points, example.boxes, rng)[0] for _ in range(60)])
    toes = [WHOLEBODY.index(f"{side}_small_toe") for side in ("left", "right")]
    assert many[:, toes, 2].max() == 0 and 0.8 < many[:, list(PARTS["body"]), 2].mean() < 1
    seen = many[:, :5, 2] == 1
    apart = np.linalg.norm(many[:, :5, :2] - example.points[0, :5, :2], axis=2)[seen]
    assert 0 < np.median(apart) < 0.03 * SIDE


def test_points_outside_the_picture_are_not_found() -> None:
    example = ball(1)
    outside = example.points * (1, 1, 0)
    assert said.points_said(outside, example.boxes, np.random.default_rng(0))[:, :, 2].max() == 0


def test_a_poor_mask_still_is_one_of_the_people() -> None:
    people = ball(2).owners >= 0
    for seed in range(5):
        mask = views.worse_mask(people, np.random.default_rng(seed))
        assert mask.min() >= 0 and mask.max() <= 1
        assert mask[people].mean() > 0.7 and mask[~people].mean() < 0.3


def test_pixels_change_with_the_seed_alone() -> None:
    rgb = ball(3).rgb
    one, same, other = (developed(rgb, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert one.dtype == np.uint8 and one.shape == rgb.shape
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() and made_up(np.random.default_rng(0), 64).std() > 1


def test_backdrops_are_parts_of_the_photographs_that_are_given(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.full((80, 90, 3), (10, 20, 30), np.uint8))
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    rng = np.random.default_rng(0)
    seen = [Backdrops(tmp_path)(rng, 32) for _ in range(30)]
    assert {one.shape for one in seen} == {(32, 32, 3)}
    assert sum((one == (30, 20, 10)).all() for one in seen) > 3


def test_an_example_is_read_as_it_was_kept(tmp_path: Path) -> None:
    example = ball(0)
    kept = load(cache(tmp_path, 1)[0])
    for name in ("depth", "normal", "owners", "mask", "boxes", "points"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(example, name))
    assert np.abs(kept.rgb.astype(int) - example.rgb).mean() < 6
