"""The results as pictures and as a page."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from made import Made
from PIL import Image

CELL = 128
"""Sides of each picture on the sheet."""
COLUMNS = 2
"""Samples beside each other."""
MEANING = {
    "ap": "pose AP: the lite pose estimator on the picture, against the skeleton that was given (body, COCO's)",
    "ap50": "pose AP at OKS 0.5",
    "oks": "mean OKS of the same",
    "rgb_normal": "picture and normals: median angle between what the lite structure estimator sees and what was made, degrees",
    "rgb_depth": "picture and depth: rank correlation of the same, inside the person",
    "depth_normal": "depth and normals: angle between the slope of the nearness and the normals, degrees (90 by chance)",
}
"""What each figure is."""


def sheet(made: Sequence[Made]) -> Image.Image:
    """A row of pictures for each sample: skeleton, stage 1's picture, depth and normals, stage 2's picture, what was rendered."""
    rows = [np.concatenate([_cell(picture) for picture in _pictures(one)], axis=1) for one in made]
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % COLUMNS)
    gap = np.full((CELL, CELL // 8, 3), 255, np.uint8)
    lines = []
    for start in range(0, len(rows), COLUMNS):
        beside = [part for row in rows[start : start + COLUMNS] for part in (gap, row)]
        lines.append(np.concatenate(beside[1:], axis=1))
    return Image.fromarray(np.concatenate(lines))


def _pictures(one: Made) -> list[np.ndarray]:
    """uint8 (any, any, 3) each."""
    depth = np.repeat(one.shown.depth[..., None], 3, axis=2)
    normal = np.nan_to_num(one.shown.normal) / 2 + 0.5
    maps = [np.rint(255 * values.clip(0, 1)).astype(np.uint8) for values in (depth, normal)]
    return [one.skeleton, one.shown.rgb, *maps, one.refined.rgb, one.told.rendered.rgb]


def _cell(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((CELL, CELL), Image.Resampling.BICUBIC))


def written(figures: Mapping[str, Mapping[str, float]], sides: tuple[int, int], minutes: Mapping[str, float]) -> str:
    """The page, as Markdown.

    Args:
        figures: of each set of pictures, see ``MEANING``.
        sides: of the pictures of stage 1 and stage 2, in pixels.
        minutes: that each step took.
    """
    sets = list(figures)
    lines = [
        f"{date.today().isoformat()}, {os.cpu_count()} processors ({platform.machine()}). Stage 1 makes pictures of "
        f"{sides[0]}², stage 2 of {sides[1]}² pixels.",
        "",
        f"| | {' | '.join(sets)} |",
        f"|---|{'---|' * len(sets)}",
        *(f"| {text} | {' | '.join(_number(figures[name][key]) for name in sets)} |" for key, text in MEANING.items()),
        "",
        "| step | minutes |",
        "|---|---|",
        *(f"| {name} | {value:.1f} |" for name, value in minutes.items()),
        "",
    ]
    return "\n".join(lines)


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}"
