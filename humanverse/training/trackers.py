"""Who else is told of a run, beside its own log: TensorBoard and Weights & Biases, through accelerate."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from humanverse.errors import UserError, one_line
from humanverse.training.settings import LogSettings

PROJECT = "humanverse"
TENSORBOARD, WANDB = "tensorboard", "wandb"
_ID = "wandb.id"


def asked(settings: LogSettings) -> list[str]:
    """The trackers that are asked for, by accelerate's names.

    Raises:
        UserError: if one is not installed.
    """
    from accelerate.tracking import get_available_trackers

    there = {str(name) for name in get_available_trackers()}
    settled = {"log.trackers": settings.trackers, "log.wandb": (WANDB,) if settings.wandb else ()}
    for setting, names in settled.items():
        for name in names:
            if name not in there:
                raise UserError(f"{setting}: {name} is not installed: pip install {name}")
    return [name for names in settled.values() for name in names]


def start(accelerator: Any, settings: LogSettings, out: Path, facts: Mapping[str, Any], seen: int) -> None:
    """Begin to tell them, or go on with what they were told before.

    Args:
        accelerator: accelerate's, made with the trackers that were ``asked`` for.
        settings: of the log.
        out: folder of the run, its name with Weights & Biases.
        facts: of the run, shown there.
        seen: samples of the run so far; what TensorBoard was told beyond them, by a run that was stopped, it is to drop.

    Raises:
        UserError: if Weights & Biases cannot be reached or does not know the user.
    """
    if not asked(settings):
        return
    every, project = accelerator.log_with, settings.wandb or PROJECT
    own = {WANDB: _of_wandb(out, facts)} if settings.wandb and accelerator.is_main_process else {}
    accelerator.log_with = [tracker for tracker in every if str(tracker) != WANDB]
    accelerator.init_trackers(project, init_kwargs={TENSORBOARD: {"purge_step": seen + 1}})
    begun, accelerator.trackers = accelerator.trackers, []
    accelerator.log_with = [tracker for tracker in every if str(tracker) == WANDB]
    try:
        accelerator.init_trackers(project, init_kwargs=own)
    except Exception as error:
        raise UserError(
            f"log.wandb: {one_line(error, 200)}: log in by `wandb login`, or set WANDB_MODE=offline"
        ) from error
    finally:
        accelerator.log_with, accelerator.trackers = every, [*begun, *accelerator.trackers]


def _of_wandb(out: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What ``wandb.init`` is given; the id is kept, so that a run that goes on is one run there, too."""
    path = out / _ID
    if not path.exists():
        path.write_text(uuid.uuid4().hex[:12], encoding="utf-8")
    return {
        "id": path.read_text(encoding="utf-8"),
        "name": out.name,
        "dir": str(out),
        "resume": "allow",
        "config": dict(facts),
    }
