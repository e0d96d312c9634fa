"""How an export ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.show.table import line

if TYPE_CHECKING:
    from pipelines.export import Result


def result(result: Result) -> None:
    done = f"{result.written} of {result.shards} shards written" if result.written else "no shard had changed"
    gone = f", {result.deleted} files deleted" if result.deleted else ""
    line(f"{result.out}: {result.export} of {result.samples} samples; {done}{gone}; {result.seconds:.1f} s")
    line("layers: " + (", ".join(result.layers.values()) or "none"))
    if not result.samples:
        line(
            "no sample is left in it, and what reads it may refuse that: delete it, or export again when there are some"
        )
    if result.left_out:
        line(f"{result.left_out} samples were left out, since nothing is known about where faces are in them")
