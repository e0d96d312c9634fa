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
    "ap": "pose AP (body)",
    "ap50": "pose AP at OKS 0.5",
    "oks": "mean OKS",
    "rgb_normal": "picture and normals, degrees apart",
    "rgb_depth": "picture and depth, rank correlation",
    "depth_normal": "depth and normals, degrees apart",
}
"""Figure -> what it is called."""
EXPLAINED = """
*stage 1* and *stage 2* are what was generated for held-out skeletons and their captions; *rendered* are the true pictures in
stage 1's size, the best that can be expected of these judges; *through the VAE* are these as the VAE gives them back, the best
that its latents can show; *mixed up* has the picture of one generated sample, the depth of a second, skeleton and normals of a
third.

- Pose: the lite pose estimator on the picture, enlarged to 256 pixels, against the skeleton that was given.
- Picture and normals, picture and depth: what the lite structure estimator sees in the picture, which is enlarged likewise,
  against the maps, inside the person: median angle, and Spearman's correlation. Stage 2's maps are stage 1's.
- Depth and normals: median angle between the direction in which nearness rises and the one in which the normals say it should,
  over the whole picture. Directions that have nothing to do with each other are 90 degrees apart; floors and walls, which most
  pictures have in the same places, make it less.
"""


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
        "# Both stages from nothing",
        "",
        "    python examples/tiny/run.py OUT",
        "",
        f"{date.today().isoformat()}, {hardware()}. Stage 1 makes pictures of {sides[0]}², stage 2 of {sides[1]}² pixels.",
        "",
        "![From the left: skeleton, stage 1's picture, depth and normals, stage 2's picture, what was rendered](tiny.jpg)",
        "",
        "From the left: the skeleton, stage 1's picture, depth and normals, stage 2's picture, and what was rendered.",
        "",
        f"| | {' | '.join(sets)} |",
        f"|---|{'---|' * len(sets)}",
        *(f"| {text} | {' | '.join(_number(figures[name][key]) for name in sets)} |" for key, text in MEANING.items()),
        EXPLAINED,
        "| step | minutes |",
        "|---|---|",
        *(f"| {name} | {value:.1f} |" for name, value in minutes.items()),
        "",
    ]
    return "\n".join(lines)


def hardware() -> str:
    """What this runs on, in words."""
    import torch

    processors = f"{os.cpu_count()} processors ({platform.machine()})"
    return f"{torch.cuda.get_device_name()}, {processors}" if torch.cuda.is_available() else processors


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}"
