"""How a build, and a search for duplicates, ended."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from humanverse.plurals import plural, word
from humanverse.sizes import size
from pipelines.show.table import line, share, table

if TYPE_CHECKING:
    from pipelines.build import Result
    from pipelines.dedup import Result as Deduplicated


def result_json(result: Result) -> dict[str, Any]:
    from pipelines.result import silent

    return {
        "planned_shards": result.planned,
        "already_committed": result.before,
        "committed": result.committed,
        "lost": {str(number): why for number, why in sorted(result.lost.items())},
        "rows": {name: value for name, value in sorted(result.counts.items()) if name != "bytes"},
        "failures": dict(result.failures.most_common()),
        "bytes": result.counts.get("bytes", 0),
        "seconds": round(result.seconds, 3),
        "silent_layers": silent(result.layers),
        "retry": asdict(result.retried) if result.retried else None,
        "lacking_layers": result.lacking,
    }


def result(result: Result, url: str) -> None:
    from pipelines.result import silent

    if result.before == result.planned:
        reasons = " or ".join(result.retried.reasons) if result.retried else ""
        done = f"{url} has all its shards" if result.lacking else f"{url} is complete: nothing to do"
        line(f"{url}: nothing to retry: no row ended with {reasons}" if reasons else done)
        for layer, words in result.lacking.items():
            line(f"  layer {layer} is not in all of them: humanverse annotate {shlex.quote(url)} {words}")
        return
    rows = {name: value for name, value in result.counts.items() if name != "bytes"}
    total = sum(rows.values())
    states = ", ".join(f"{rows.get(name, 0)} {name}" for name in ("kept", "rejected", "failed"))
    line(
        f"{url}: {plural(total, 'row')} in {result.seconds:.0f} s: {states} (yield {share(rows.get('kept', 0), total)}); "
        f"{plural(result.committed, 'shard')} committed, {result.before} {word(result.before, 'was', 'were')} "
        f"there, {len(result.lost)} not committed; "
        f"{size(result.counts.get('bytes', 0))} of pictures"
    )
    if result.failures:
        line("  failed: " + ", ".join(f"{reason} {rows}" for reason, rows in result.failures.most_common()))
    for layer in silent(result.layers):
        line(
            f"  layer {layer} says nothing: {plural(result.layers[layer]['failed'], 'row')} failed, none is ok; "
            "see the report for why"
        )
    for number, why in sorted(result.lost.items())[:10]:
        line(f"  shard {number}: {why}")
    if result.lost:
        line("  run the same command again to do what is not committed")


def dedup(result: Deduplicated, url: str) -> None:
    line(
        f"{url}: {plural(result.samples, 'sample')} in {plural(result.shards, 'shard')}: "
        f"{plural(result.groups, 'group that is', 'groups that are')} alike, "
        f"{plural(result.left_out, 'sample')} left out ({share(result.left_out, result.samples)}), "
        f"{result.equal_hashes} of them with "
        f"equal hashes; {result.seconds:.1f} s"
    )
    line(f"view {result.view}: {plural(result.samples - result.left_out, 'sample')}")
    for path, entries in result.block_lists.items():
        line(f"block-list {path}: {plural(entries, 'entry', 'entries')}")
    if result.largest:
        rows = [(group.uid, str(group.left_out + 1), str(group.row), group.url or "") for group in result.largest]
        table("largest groups, by the sample that stays", ("uid", "samples", "row", "url"), rows)
