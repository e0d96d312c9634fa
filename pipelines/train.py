"""``train``: train a stage of the generator on a dataset; the same command again goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from humanverse.plurals import plural
from pipelines.places import refuse_in_dataset
from pipelines.progress import LOADING, Counts, Display, say

if TYPE_CHECKING:
    from humanverse.training.outcome import Outcome
    from humanverse.training.settings import TrainSettings

_HEARTBEAT_S = 600.0
COMPILING = "compiling, which takes minutes"
"""What is told before the first step of networks that are compiled."""


class _Heard:
    """What the run has told so far, for the display."""

    def __init__(self, before: int) -> None:
        self._before, self._values = before, {"samples": float(before)}

    def __call__(self, values: Mapping[str, float]) -> None:
        self._values = {**self._values, **values}

    def counts(self) -> Counts:
        return {"rows": int(self._values["samples"]) - self._before}

    def note(self, counts: Counts, rate: float) -> str:
        """Loss, speed, and how much of the time is spent waiting for data."""
        values = self._values
        parts = [f"{rate:.1f} samples/s"]
        if "loss" in values:
            parts = [f"loss {values['loss']:.4f}", *parts, f"data wait {values['wait']:.0%}"]
        for name, one in (("skipped_steps", "skipped step"), ("skipped_samples", "skipped sample")):
            if values.get(name):
                parts.append(plural(int(values[name]), one))
        return " · ".join(parts)


def is_first() -> bool:
    """Whether this is the first, or the only one, of the processes that a launcher started."""
    return os.environ.get("RANK", "0") == "0"


def train(
    stage: str,
    url: str,
    out: Path,
    config: Path | None = None,
    changes: Sequence[str] = (),
    workers: int | None = None,
    address: str | None = None,
) -> Outcome:
    """Train ``stage`` on the dataset at ``url``, or go on where the run at ``out`` stopped.

    Args:
        stage: ``structure`` or ``refiner``.
        url: of the dataset.
        out: folder of the run.
        config: file of settings.
        changes: ``section.name=value``, on top of the file.
        workers: that Ray is to start; None: this process is one of those that a launcher started, or the only one.
        address: of a Ray cluster.

    Raises:
        UserError: for whatever the user can mend.
    """
    refuse_in_dataset("--out", out)
    from humanverse.training.checkpoints import RunFolder
    from humanverse.training.outcome import ended
    from humanverse.training.settings import load

    settings = load(config, changes)
    before = _checked(stage, url, out, settings)
    done = ended(RunFolder(out, only_read=True), settings.samples)
    if done is not None:
        return done
    heard, lines, loading = _Heard(before), say, COMPILING if settings.compile else LOADING
    begin: Callable[[str], None] = _untold
    with ExitStack() as stack:
        if is_first():
            display = Display(
                f"train {stage}",
                settings.samples,
                before,
                heard.counts,
                _HEARTBEAT_S,
                unit="samples",
                note=heard.note,
                first=loading,
                waiting=f"{COMPILING}, or the step is large" if settings.compile else "a step, or the data, takes long",
            )
            stack.enter_context(display)
            lines, begin = display.say, display.begin
        if workers is not None:
            from pipelines import train_on_ray

            return train_on_ray.run(stage, url, out, settings, workers, heard, lines, address, begin, loading)
        from humanverse.training.run import run

        return run(stage, url, out, settings, heard, folder_of, lines)


def _untold(phase: str) -> None:
    """Where nothing is shown, no phase is."""


def _checked(stage: str, url: str, out: Path, settings: TrainSettings) -> int:
    """Samples that the run has seen, after all that can be known to be wrong without PyTorch, whose import takes seconds.

    Raises:
        UserError: if something is.
    """
    from humanverse.dataset.reader import Dataset
    from humanverse.training import named
    from humanverse.training.checkpoints import RunFolder
    from humanverse.training.lock import refuse_held
    from humanverse.training.settings import check_same, check_stage

    check_stage(stage, settings)
    dataset = Dataset(url)
    for view in filter(None, (settings.data.view, settings.validation.view)):
        dataset.view(view)
    begun = RunFolder(out, only_read=True).to_go_on_with()
    if begun is None:
        named.check(stage, settings.model, _FOLDERS)
    else:
        check_same(begun, {"stage": stage, **settings.decisive()}, f"--out {out}")
    folder = RunFolder(out)
    if is_first():
        refuse_held(out)
    return max(folder.checkpoints(), default=0)


def folder_of(named: str) -> str:
    """The folder of a model: one of a hub, ``text-encoder:NAME`` for one of a package, downloaded if need be, or a folder.

    Raises:
        UserError: if it cannot be had.
    """
    scheme, colon, name = named.partition(":")
    return _FOLDERS[scheme](name) if colon and scheme in _FOLDERS else named


def _of_hub(name: str) -> str:
    from annotators import weights

    return str(weights.obtain(weights.given(f"hf:{name}")))


def _of_package(name: str) -> str:
    from annotators import text_encoders

    return str(text_encoders.folder(text_encoders.get(name)))


_FOLDERS: Mapping[str, Callable[[str], str]] = {"hf": _of_hub, "text-encoder": _of_package}
