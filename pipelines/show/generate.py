"""What was generated, and what pictures say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from pipelines.show.table import line

if TYPE_CHECKING:
    from humanverse.generation.marks import Found
    from pipelines.generate import Result


def result(result: Result) -> None:
    before = f", {result.before} {word(result.before, 'was', 'were')} there" if result.before else ""
    again = f", {result.again} asked for twice" if result.again else ""
    line(f"generated: {plural(result.made, 'picture')}{before}{again}, {result.seconds:.0f} s")
    if not result.made:
        line("nothing was left to make: another --seed, or more with --n, makes others")
    if result.unmarked:
        line(
            f"without the invisible mark (smaller than 256 x 256, without texture, or as asked): "
            f"{plural(result.unmarked, 'file')}"
        )
    for name in dict.fromkeys(result.names):
        line(f"  {name}")
    line(f"sheet: {result.sheet}")


_WATERMARK = {True: "found", False: "not found", None: "cannot be looked for: too small, or of 16 bits"}


def marks(found: Sequence[Found]) -> None:
    for item in found:
        says = "synthetic" if item.synthetic else "says nothing of being synthetic"
        words = item.source_type or "none"
        strength = "" if item.strength is None else f" (strength {item.strength:.1f})"
        line(f"{item.file}: {says}; words: {words}; invisible mark: {_WATERMARK[item.watermark]}{strength}")
