"""What a training run came to; PyTorch is not needed to tell it of one that has ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from humanverse.training.checkpoints import PIPELINE, RunFolder, read_state


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        samples: seen, of the whole run.
        steps: taken.
        skipped_steps: whose gradient was not finite.
        skipped_samples: why samples could not be had -> how many, in the main process since it started.
        loss: of the last log line.
        pipeline: the result's folder.
        seconds: since it started.
        before: whether it had ended before, so that nothing was done.
    """

    samples: int
    steps: int
    skipped_steps: int
    loss: float | None
    pipeline: str
    seconds: float
    skipped_samples: dict[str, int] = field(default_factory=dict)
    before: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def ended(folder: RunFolder, samples: int) -> Outcome | None:
    """What the run in ``folder`` came to if it has seen ``samples``; None of any other, as of one without a pipeline since its
    checkpoint."""
    latest, pipeline = folder.latest(), folder.path / PIPELINE
    if latest is None or max(folder.checkpoints()) < samples or not pipeline.is_dir():
        return None
    if pipeline.stat().st_mtime_ns < latest.stat().st_mtime_ns:
        return None
    done = read_state(latest)["progress"]
    return Outcome(done["samples"], done["steps"], done["skipped_steps"], None, str(pipeline), 0.0, before=True)
