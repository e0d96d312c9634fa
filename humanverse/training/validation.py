"""What a run is looked at by: losses and generated pictures of the same few samples each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from humanverse.training.settings import ValidationSettings
from humanverse.training.stage import Batch, Stage

FOLDER = "validation"
TITLE, TEXT = 16, 11
"""Pixels: height of the titles' line, and of their letters."""

_SHAPES: Mapping[str, Callable[[np.ndarray], Any]] = {
    "tensorboard": lambda grid: grid.transpose(2, 0, 1)[None],
    "wandb": lambda grid: [grid],
}
"""Tracker -> the shape in which it takes a picture."""


class Validation:
    """A batch, and what is made of it.

    Args:
        settings: of the validation.
        seed: of the run.
        batch: of a loader.
    """

    def __init__(self, settings: ValidationSettings, seed: int, batch: Batch) -> None:
        self._settings, self._seed, self._batch = settings, seed, batch

    def look(self, stage: Stage) -> tuple[dict[str, float], np.ndarray]:
        """Losses, ``validation/TARGET`` and ``validation/loss``, and the pictures in columns with titles.

        Noise and timesteps are the same each time.
        """
        count = len(self._batch["captions"])
        with torch.no_grad():
            losses = stage.learn(stage.model, self._batch, range(-count, 0)).losses
        values = {f"validation/{name}": float(mean) for name, mean in losses.means().items()}
        values["validation/loss"] = float(losses.total)
        made = stage.generate(self._batch, self._settings.steps, self._settings.guidance, self._seed)
        return values, titled(grid_of(made), list(made))

    def show(self, trackers: Sequence[Any], grid: np.ndarray, seen: int) -> None:
        """Give the pictures to trackers that take some."""
        for tracker in trackers:
            if tracker.name in _SHAPES:
                tracker.log_images({FOLDER: _SHAPES[tracker.name](grid)}, step=seen)


def write_picture(grid: np.ndarray, folder: Path, seen: int) -> None:
    """Keep ``grid`` in the run's ``folder``, named by the samples that were seen."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    Image.fromarray(grid).save(place / f"{seen:012d}.png")


def grid_of(pictures: Mapping[str, torch.Tensor]) -> np.ndarray:
    """Pictures side by side, a row for each sample, a column for each name: uint8 (height, width, 3).

    Args:
        pictures: float32 (batch, 3, height, width) in [0, 1] by name.
    """
    rows = torch.cat([torch.cat(list(one), dim=2) for one in zip(*pictures.values(), strict=True)], dim=1)
    return (rows.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def titled(grid: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """``grid`` below a line with the name of each column; as it is if a name is too wide for its column.

    Args:
        grid: uint8 (height, width, 3) of columns equally wide.
        names: of the columns.
    """
    line = Image.new("RGB", (grid.shape[1], TITLE), "white")
    pen, font = ImageDraw.Draw(line), ImageFont.load_default(TEXT)
    wide = grid.shape[1] // len(names)
    if any(pen.textlength(name, font) > wide for name in names):
        return grid
    for place, name in enumerate(names):
        pen.text((place * wide + wide / 2, TITLE / 2), name, "black", font, anchor="mm")
    return np.concatenate([np.asarray(line), grid])
