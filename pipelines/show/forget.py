"""What was forgotten, and what left the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from humanverse.sizes import size
from pipelines.show.table import line, table

if TYPE_CHECKING:
    from pipelines.compact import Result as Compacted
    from pipelines.forget import Result

SHOWN = 20


def forget(result: Result, url: str, dry_run: bool) -> None:
    verb = "would be forgotten" if dry_run else "forgotten"
    already = f", {result.already} {word(result.already, 'was', 'were')} before" if result.already else ""
    line(
        f"{url}: {plural(result.samples, 'sample')} {verb} ({plural(len(result.matches), 'row')}){already}; "
        f"{result.seconds:.1f} s"
    )
    rows = [(match.uid, match.by, str(match.distance), str(match.row), match.url or "") for match in result.matches]
    if rows:
        table("samples", ("uid", "found by", "bits", "row", "url"), rows[:SHOWN])
    if len(rows) > SHOWN:
        line(f"  and {len(rows) - SHOWN} more: --json names all")
    for text in result.unknown[:SHOWN]:
        line(f"  no sample: {text}")
    if len(result.unknown) > SHOWN:
        line(f"  no sample: {len(result.unknown) - SHOWN} more")
    if result.similar_left:
        line(
            f"  {plural(result.similar_left, 'other sample looks', 'other samples look')} like "
            f"{word(result.samples, 'it', 'them')}: --near 4 forgets {word(result.similar_left, 'this', 'these')} too"
        )
    for where in result.exports:
        line(f"  export {where} has some of them: export again into it")
    for where in result.exports_unknown:
        line(
            f"  export {where} may have some of them: it cannot be read, or is not complete; export again into it, or delete it"
        )
    if result.tombstones:
        line(
            f"no reader returns them from now on ({result.tombstones}); humanverse compact {url} removes them from the files"
        )


def compact(result: Compacted, url: str, dry_run: bool) -> None:
    if dry_run:
        line(f"{url}: {len(result.rewritten)} of {plural(result.shards, 'shard')} would be written anew")
        return
    line(
        f"{url}: {len(result.rewritten)} of {plural(result.shards, 'shard')} written anew without "
        f"{plural(result.samples, 'sample')}, "
        f"{plural(result.maps, 'map')}, {plural(result.rows, 'ledger row')}; "
        f"{plural(len(result.filters), 'filter')}; {plural(result.stale, 'old file')} deleted, "
        f"{size(result.freed)}; {result.seconds:.1f} s"
    )
    for number, why in sorted(result.failed.items()):
        line(f"  shard {number} still holds what is forgotten: {why}")
    if result.checked:
        line(
            f"{plural(result.checked, 'shard')} read again to {word(result.checked, 'its', 'their')} end: "
            f"nothing of what was forgotten is in {word(result.checked, 'it', 'them')}"
        )
