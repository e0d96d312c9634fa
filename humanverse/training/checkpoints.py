"""A run's folder: settings, checkpoints that are whole or not there, log, pictures, and the pipeline in the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from humanverse.errors import UserError

SETTINGS, LOG, INDEX, PIPELINE = "settings.json", "log.jsonl", "samples.npz", "pipeline"
VALIDATION_INDEX = "validation.npz"
AVERAGE = "ema.safetensors"
"""In a checkpoint: the averaged weights by the names of the stage's parameters."""
TRACEBACKS = "ray-error.txt"
"""In a run's folder: where errors of processes came from that Ray had started, perhaps before the run had begun."""
_CHECKPOINTS, _STATE, _PART = "checkpoints", "state.json", ".part-"


class RunFolder:
    """Where a run is kept.

    Args:
        path: a local folder, which need not be there.
        only_read: whether nothing will be written; then it need not be such that anything could be.

    Raises:
        UserError: if it cannot be written to, or holds something else.
    """

    def __init__(self, path: Path, only_read: bool = False) -> None:
        self.path = path
        if only_read:
            return
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out {path}: {error.strerror}: give a folder that can be written to") from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(f"--out {path} cannot be written to: give another folder")
        own = (INDEX, VALIDATION_INDEX, TRACEBACKS)
        others = [entry for entry in path.iterdir() if entry.name not in own and not entry.name.startswith(".")]
        if others and not self.settings_path.exists():
            raise UserError(f"--out {path} holds something that is no run: give a new folder")

    @property
    def settings_path(self) -> Path:
        return self.path / SETTINGS

    def settings(self) -> dict[str, Any] | None:
        """What was last written of the run's settings; None for a new one."""
        if not self.settings_path.exists():
            return None
        return json.loads(self.settings_path.read_text(encoding="utf-8"))

    def to_go_on_with(self) -> dict[str, Any] | None:
        """The settings of a run that has a checkpoint; None of one without, which has nothing to lose and begins anew."""
        return self.settings() if self.checkpoints() else None

    def forget_failed(self) -> None:
        """Remove which samples a run had that ended before its first checkpoint."""
        if not self.checkpoints():
            for name in (INDEX, VALIDATION_INDEX):
                (self.path / name).unlink(missing_ok=True)

    def write_settings(self, facts: Mapping[str, Any]) -> None:
        """Note what the run is trained with."""
        part = self.path / f"{_PART}{SETTINGS}"
        part.write_text(json.dumps(facts, indent=1), encoding="utf-8")
        part.replace(self.settings_path)

    def checkpoints(self) -> list[int]:
        """Samples seen at each checkpoint, ascending."""
        folder = self.path / _CHECKPOINTS
        return sorted(int(entry.name) for entry in folder.glob("*") if entry.name.isdecimal())

    def checkpoint(self, samples: int) -> Path:
        """The folder of a checkpoint."""
        return self.path / _CHECKPOINTS / f"{samples:012d}"

    def latest(self) -> Path | None:
        """The latest checkpoint's folder."""
        there = self.checkpoints()
        return self.checkpoint(there[-1]) if there else None

    def prune(self, keep: int) -> None:
        """Remove all but the latest ``keep`` checkpoints, and what stopped runs left half written."""
        for samples in self.checkpoints()[:-keep]:
            gone = self.checkpoint(samples)
            part = gone.with_name(f"{_PART}{gone.name}")
            gone.rename(part)
        self.remove_parts()

    def remove_parts(self) -> None:
        """Remove what is half written."""
        for place in (self.path, self.path / _CHECKPOINTS):
            for part in place.glob(f"{_PART}*"):
                shutil.rmtree(part) if part.is_dir() else part.unlink()


@contextmanager
def written_at_once(final: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``final`` at the end, on the disk; what was there is replaced.

    Its files may be read by whom the process lets read what it writes: safetensors keeps its files from all but their owner.
    """
    part = final.with_name(f"{_PART}{final.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    usual = part.stat().st_mode & 0o666
    for path in part.rglob("*"):
        if path.is_file():
            path.chmod(usual)
        _to_disk(path)
    _to_disk(part)
    if final.exists():
        shutil.rmtree(final)
    part.rename(final)
    _to_disk(final.parent)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """What of a checkpoint is no tensor."""
    (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")


def read_state(folder: Path) -> dict[str, Any]:
    """What ``write_state`` wrote."""
    return json.loads((folder / _STATE).read_text(encoding="utf-8"))
