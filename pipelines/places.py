"""Folders that a command may not write its results to, since something else is kept there."""

from __future__ import annotations

from pathlib import Path

from humanverse.dataset import layout
from humanverse.errors import UserError

_OF_A_RUN = {"settings.json": "a training run", "state.json": "a checkpoint", "model_index.json": "a pipeline"}
"""A file -> what a folder is that has it."""


def refuse_in_dataset(said: str, out: Path) -> None:
    """Only folders outside of any dataset.

    Args:
        said: what the folder is for, as the error begins.
        out: need not be there.

    Raises:
        UserError: if it is a dataset, or lies in one.
    """
    place = out.expanduser().absolute()
    for folder in (place, *place.parents):
        if (folder / layout.MARKER).is_file():
            where = "is a dataset" if folder == place else f"lies in the dataset {folder}"
            raise UserError(f"{said} {out} {where}: give a folder outside of it")


def refuse_training_run(said: str, out: Path) -> None:
    """Only folders in which nothing of a training run is kept.

    Raises:
        UserError: if it is a run, a checkpoint or a pipeline.
    """
    for file, what in _OF_A_RUN.items():
        if (out / file).is_file():
            raise UserError(f"{said} {out} is {what}: give another folder")
