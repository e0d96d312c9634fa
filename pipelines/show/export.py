"""How an export ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from pipelines.show.table import line

if TYPE_CHECKING:
    from pipelines.export import Result


def result(result: Result) -> None:
    done = f"{result.written} of {plural(result.shards, 'shard')} written" if result.written else "no shard had changed"
    gone = f", {plural(result.deleted, 'file')} deleted" if result.deleted else ""
    line(f"{result.out}: {result.export} of {plural(result.samples, 'sample')}; {done}{gone}; {result.seconds:.1f} s")
    line("layers: " + (", ".join(result.layers.values()) or "none"))
    if not result.samples:
        line(
            "no sample is left in it, and what reads it may refuse that: delete it, or export again when there are some"
        )
    if result.left_out:
        line(
            f"{plural(result.left_out, 'sample was', 'samples were')} left out, since nothing is known about "
            f"where faces are in {word(result.left_out, 'it', 'them')}"
        )
