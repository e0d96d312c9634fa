"""What a training run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from pipelines.show.table import line

if TYPE_CHECKING:
    from humanverse.training.outcome import Outcome


def outcome(result: Outcome) -> None:
    from schemas.ledger import FORGOTTEN

    if result.before:
        seen = f"{plural(result.samples, 'sample')} {word(result.samples, 'was', 'were')} seen before"
        line(f"nothing to do: {seen}; with larger samples it goes on")
        line(f"pipeline: {result.pipeline}")
        return
    loss = "" if result.loss is None else f", loss {result.loss:.4f}"
    line(f"trained: {plural(result.samples, 'sample')}, {plural(result.steps, 'step')}{loss}, {result.seconds:.0f} s")
    if result.skipped_steps:
        line(f"skipped steps, their gradients were not finite: {result.skipped_steps}")
    for reason, count in sorted(result.skipped_samples.items()):
        line(f"samples that others stood in for: {count} {reason}")
    if result.skipped_samples.keys() - {FORGOTTEN}:
        line("humanverse verify says which are damaged")
    line(f"pipeline: {result.pipeline}")
