"""What was forgotten, and what left the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.sizes import size
from pipelines.show.table import line, table

if TYPE_CHECKING:
    from pipelines.compact import Result as Compacted
    from pipelines.forget import Result

SHOWN = 20


def forget(result: Result, url: str, dry_run: bool) -> None:
    verb = "would be forgotten" if dry_run else "forgotten"
    already = f", {result.already} were before" if result.already else ""
    line(f"{url}: {result.samples} samples {verb} ({len(result.matches)} rows){already}; {result.seconds:.1f} s")
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
        line(f"  {result.similar_left} other samples look like them: --near 4 forgets these too")
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
        line(f"{url}: {len(result.rewritten)} of {result.shards} shards would be written anew")
        return
    line(
        f"{url}: {len(result.rewritten)} of {result.shards} shards written anew without {result.samples} samples, "
        f"{result.maps} maps, {result.rows} ledger rows; {len(result.filters)} filters; {result.stale} old files deleted, "
        f"{size(result.freed)}; {result.seconds:.1f} s"
    )
    for number, why in sorted(result.failed.items()):
        line(f"  shard {number} still holds what is forgotten: {why}")
    if result.checked:
        line(f"{result.checked} shards read again to their end: nothing of what was forgotten is in them")
