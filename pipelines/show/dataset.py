"""What a dataset holds, and whether it is sound."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from humanverse.plurals import plural, word
from humanverse.sizes import size
from pipelines.show.table import figure, line, share, table

if TYPE_CHECKING:
    from humanverse.dataset.status import FailedRows, Status
    from humanverse.dataset.verify import Report


def status(found: Status, url: str) -> None:
    state = "complete" if found.complete else "not complete"
    again = (
        f", {found.supplementary_shards} of {found.planned_supplementary_shards} supplementary"
        if found.planned_supplementary_shards
        else ""
    )
    merged = f", {found.merged_shards} of {found.planned_merged_shards} merged" if found.planned_merged_shards else ""
    line(
        f"{url}: {state}; {found.shards} of {plural(found.planned_shards, 'shard')}{again}{merged}, {size(found.bytes)}"
    )
    of_all = "source rows, merged ones too" if found.planned_merged_shards else "source rows"
    rows = [(of_all, str(found.planned_rows), ""), ("in the ledger", str(found.rows), "")]
    rows += [(f"failed: {name}", str(n), share(n, found.rows)) for name, n in found.failed.items()]
    rows += [(f"rejected: {name}", str(n), share(n, found.rows)) for name, n in found.rejected.items()]
    rows.append(("kept", str(found.kept), share(found.kept, found.rows)))
    table("rows", ("", "rows", "share"), rows)
    table(
        "layers", ("layer", "shards"), [(layer, f"{done}/{found.all_shards}") for layer, done in found.layers.items()]
    )
    for layer, words in found.completed_by.items():
        line(f"layer {layer}: not in all shards yet: humanverse annotate {shlex.quote(url)} {words}")
    for layer, command in found.rendered_by.items():
        line(f"layer {layer}: not in all shards: {command}")
    for layer, failed in found.failed_rows.items():
        line(f"layer {layer}: {_failed_rows(failed, found.layers[layer])}; see the report for why")
    if found.block_lists is None:
        line("block-lists: their history is damaged: run humanverse verify")
    for item in found.block_lists or ():
        line(f"block-list {item['path']}: {item['kind']}, {plural(item['entries'], 'entry', 'entries')}")
    for name, unreadable in found.views.items():
        state = f"{plural(unreadable, 'shard')} cannot be read with it: make it again" if unreadable else "can be read"
        line(f"view {name}: {found.view_problems.get(name, state)}")


def _failed_rows(found: FailedRows, shards: int) -> str:
    failed = f"all {found.rows}" if 1 < found.failed == found.rows else f"{found.failed} of {found.rows}"
    looked = (
        f" in the {found.shards} of {plural(shards, 'shard')} that were looked into" if found.shards < shards else ""
    )
    return f"{failed} {word(found.rows, 'row')} failed{looked}"


def verify_json(report: Report) -> dict[str, Any]:
    return {
        "sound": report.sound,
        "shards": report.shards,
        "rows": report.rows,
        "samples": report.samples,
        "findings": [vars(finding) for finding in report.findings],
    }


def verify(report: Report) -> None:
    for finding in report.findings:
        line(f"{finding.level}: {finding.path} {finding.message}")
    verdict = "sound" if report.sound else plural(len(report.problems), "problem")
    line(
        f"{verdict}: {plural(report.shards, 'shard')}, {plural(report.rows, 'row')}, {plural(report.samples, 'sample')} checked"
    )


def stats(found: Mapping[str, Mapping[str, Any]]) -> None:
    columns = ("count", "mean", "min", "p5", "p50", "p95", "max")
    rows = [
        (name, *(figure(figures[column]) if column in figures else "-" for column in columns))
        for name, figures in found["numbers"].items()
    ]
    table("figures", ("", *columns), rows)
    counts = [
        (name, value, str(number)) for name, values in found["counts"].items() for value, number in values.items()
    ]
    table("counts", ("", "value", "count"), counts)
