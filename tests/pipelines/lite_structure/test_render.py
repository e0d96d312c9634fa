"""Rendering into a cache: what is kept of a sample, and that nothing is rendered twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from humanverse.synth import SynthSettings
from pipelines.lite_structure import render
from pipelines.lite_structure.examples import load, mask_of, path_of
from tests.pipelines.lite_structure.balls import SIDE, ball


class Everywhere:
    """A segmenter that sees people in the left half of its window."""

    def mask(self, rgb: np.ndarray) -> np.ndarray:
        made = np.zeros(rgb.shape[:2], np.float32)
        made[:, : rgb.shape[1] // 2] = 1
        return made


def sampled(seed: int, index: int, settings: SynthSettings) -> Any:
    """A ball as a renderer would give it: with a background that has depth, too."""
    example = ball(index)
    behind = example.owners < 0
    people = [SimpleNamespace(box=example.boxes[0], points=example.points[0])]
    return SimpleNamespace(
        rgb=example.rgb,
        depth=np.where(behind, np.float32(7), example.depth),
        normal=np.where(behind[:, :, None], np.float32(0.6), example.normal / np.float32(127)),
        owners=example.owners,
        people=people,
    )


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the samples that were rendered."""
    made: list[int] = []

    def sample(seed: int, index: int, settings: SynthSettings) -> Any:
        made.append(index)
        return sampled(seed, index, settings)

    monkeypatch.setattr(render, "sample", sample)
    monkeypatch.setattr(render, "_segmenter", Everywhere)
    return made


def test_what_is_there_is_not_rendered_again(tmp_path: Path, rendered: list[int]) -> None:
    assert len(list(render.render(tmp_path, 1, 2, workers=1))) == 2
    path_of(tmp_path, 0).unlink()
    assert list(render.render(tmp_path, 1, 3, workers=1)) == [path_of(tmp_path, 0), path_of(tmp_path, 2)]
    assert rendered == [0, 1, 0, 2] and list(tmp_path.glob(".*")) == []


def test_depth_and_normals_are_kept_of_people_alone(tmp_path: Path, rendered: list[int]) -> None:
    (path,) = render.render(tmp_path, 1, 1, workers=1)
    kept, example = load(path), ball(0)
    np.testing.assert_array_equal(kept.depth, example.depth)
    np.testing.assert_array_equal(kept.normal, example.normal)


def test_the_mask_lies_where_the_segmenter_looked() -> None:
    example = ball(3)
    x0, y0, x1, y1 = example.boxes[0]
    mask = mask_of(example.rgb, example.boxes, Everywhere())
    middle, row = int((x0 + x1) / 2), int((y0 + y1) / 2)
    assert mask.shape == (SIDE, SIDE) and mask[row, int(x0) + 1 : middle - 1].min() == 255
    assert mask[row, middle + 2 :].max() == 0
