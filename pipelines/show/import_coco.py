"""How an import of ground truth ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from pipelines.show.table import line

if TYPE_CHECKING:
    from pipelines.import_coco import Result

SHOWN = 5
"""Reasons and names that are told of, of each kind."""


def result(found: Result, url: str) -> None:
    layers = " and ".join(found.layers)
    if found.before == found.shards:
        line(f"{url}: all shards have {layers}: nothing to do")
        return
    line(
        f"{url}: {layers}: {found.matched} of {plural(found.samples, 'sample')} "
        f"{word(found.matched, 'is', 'are')} in the file, with {plural(found.people, 'person', 'people')}; "
        f"{plural(found.shards - found.before, 'shard')} written, {found.before} "
        f"{word(found.before, 'was', 'were')} there; {found.seconds:.1f} s"
    )
    line(
        f"  {found.pictures_unmatched} of the file's {plural(found.pictures, 'picture')} "
        f"{word(found.pictures_unmatched, 'is', 'are')} none of these samples"
    )
    for reason, number in found.refused.most_common(SHOWN):
        line(f"  left out: {plural(number, 'sample')}: {reason}")
    if found.ambiguous:
        more = f" and {len(found.ambiguous) - SHOWN} more" if len(found.ambiguous) > SHOWN else ""
        line(f"  left out, since several are called so: {', '.join(found.ambiguous[:SHOWN])}{more}")
