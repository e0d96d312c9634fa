"""How layers were added, looked at before, and dropped."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from humanverse.plurals import plural, word
from humanverse.sizes import size
from pipelines.show.table import line

if TYPE_CHECKING:
    from pipelines.annotate import Result
    from pipelines.drop import Dropped
    from pipelines.preview import Preview


REASONS_SHOWN = 5


def result_json(result: Result) -> dict[str, Any]:
    return {
        "layers": {layer: dict(result.rows.get(layer, {})) for layer in result.layers},
        "reasons": {
            layer: dict(counts.most_common(REASONS_SHOWN)) for layer, counts in result.reasons.items() if counts
        },
        "silent": result.silent,
        "shards": result.shards,
        "already_there": result.before,
        "done": result.done,
        "lost": {str(number): why for number, why in sorted(result.lost.items())},
        "bytes": result.bytes,
        "seconds": round(result.seconds, 3),
    }


def _statuses(counts: Mapping[str, int]) -> str:
    from schemas.layers import ROW_STATUSES

    return ", ".join(f"{counts.get(status, 0)} {status}" for status in ROW_STATUSES)


def _reasons(reasons: Counter[str]) -> None:
    for reason, rows in reasons.most_common(REASONS_SHOWN):
        line(f"  {rows} x {reason}")
    if len(reasons) > REASONS_SHOWN:
        line(f"  and {plural(len(reasons) - REASONS_SHOWN, 'further reason')}")


def _drop(url: str, layer: str) -> str:
    return f"humanverse drop {shlex.quote(url)} {layer.replace('/', '=', 1)}"


def result(result: Result, url: str) -> None:
    names = ", ".join(result.layers)
    if result.before == result.shards:
        line(
            f"{url}: {word(result.shards, 'its only shard has', f'all {result.shards} shards have')} {names}: nothing to do"
        )
        return
    for layer in result.layers:
        line(f"{layer}: {_statuses(result.rows.get(layer, Counter()))}")
        _reasons(result.reasons.get(layer, Counter()))
    line(
        f"{url}: {plural(result.done, 'shard')} got {names} in {result.seconds:.0f} s, {result.before} had, "
        f"{len(result.lost)} {word(len(result.lost), 'has', 'have')} not; {size(result.bytes)} written"
    )
    for number, why in sorted(result.lost.items())[:10]:
        line(f"  shard {number}: {why}")
    if result.lost:
        line("  run the same command again to do what is not done")
    else:
        chosen = " ".join(f"--layers {layer.replace('/', '=', 1)}" for layer in result.layers)
        line(f"  to look at it: humanverse report {shlex.quote(url)} {chosen}")
    for layer in result.silent:
        line(f"  {layer} says nothing: every row that could say something failed")
    for layer in result.layers:
        if result.rows.get(layer, Counter())["failed"]:
            line(
                f"  failed rows of {layer} stay so: mend what is told above, then make it again after {_drop(url, layer)}"
            )


def preview_json(found: Preview) -> dict[str, Any]:
    return {
        "samples": found.samples,
        "all_samples": found.all_samples,
        "layers": {layer: dict(counts) for layer, counts in found.rows.items()},
        "reasons": {layer: dict(counts.most_common()) for layer, counts in found.reasons.items()},
        "samples_per_second": round(found.rate, 3),
        "expected_seconds": round(found.expected_s, 1),
        "page": str(found.page),
    }


def preview(found: Preview, url: str) -> None:
    from humanverse.report.wording import duration

    for layer, counts in found.rows.items():
        line(f"{layer}: {_statuses(counts)}")
        _reasons(found.reasons[layer])
    line(
        f"{url}: looked at {found.samples} of {plural(found.all_samples, 'sample')}, {found.rate:.2f} a second in one process; "
        f"all would take it {duration(found.expected_s)}"
    )
    line(f"page: {found.page}")


def dropped_json(found: Dropped) -> dict[str, Any]:
    return {"layer": found.layer, "files": found.files, "bytes": found.bytes, "notes": list(found.notes)}


def dropped(found: Dropped, url: str) -> None:
    line(f"{url}: dropped layer {found.layer}: {plural(found.files, 'file')}, {size(found.bytes)}")
    for note in found.notes:
        line(f"  {note}")
