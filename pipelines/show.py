"""How results look on a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotators.base import Card
    from annotators.weights import Listed
    from humanverse.dataset.status import Status
    from humanverse.dataset.verify import Report
    from pipelines.build import Result
    from pipelines.dedup import Result as Deduplicated


_UNBOUNDED = 100_000
"""Columns of a table that is not for a terminal."""


def size(count: float) -> str:
    """Bytes as a person reads them: ``3.1 MB``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _is_number(cell: str) -> bool:
    return cell in ("-", "") or cell.removeprefix("-")[:1].isdigit()


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output. A terminal folds long texts, names in the first column only where they are the only text;
    elsewhere a row is a line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    numeric = [bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(columns))]
    texts = [index for index, is_numeric in enumerate(numeric) if not is_numeric]
    folded = [index for index in texts if index] or texts
    for index, column in enumerate(columns):
        fold = index in folded
        table.add_column(
            column,
            justify="right" if numeric[index] else "left",
            overflow="fold" if fold else "ellipsis",
            no_wrap=not fold,
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _line(text: str) -> None:
    import typer

    typer.echo(text)


def result_json(result: Result) -> dict[str, Any]:
    return {
        "planned_shards": result.planned,
        "already_committed": result.before,
        "committed": result.committed,
        "lost": {str(number): why for number, why in sorted(result.lost.items())},
        "rows": {name: value for name, value in sorted(result.counts.items()) if name != "bytes"},
        "failures": dict(result.failures.most_common()),
        "bytes": result.counts.get("bytes", 0),
        "seconds": round(result.seconds, 3),
        "retry": asdict(result.retried) if result.retried else None,
    }


def result(result: Result, url: str) -> None:
    if result.before == result.planned:
        reasons = " or ".join(result.retried.reasons) if result.retried else ""
        _line(
            f"{url}: nothing to retry: no row ended with {reasons}" if reasons else f"{url} is complete: nothing to do"
        )
        return
    rows = {name: value for name, value in result.counts.items() if name != "bytes"}
    total = sum(rows.values())
    states = ", ".join(f"{rows.get(name, 0)} {name}" for name in ("kept", "rejected", "failed"))
    _line(
        f"{url}: {total} rows in {result.seconds:.0f} s: {states} (yield {_share(rows.get('kept', 0), total)}); "
        f"{result.committed} shards committed, {result.before} were there, {len(result.lost)} not committed; "
        f"{size(result.counts.get('bytes', 0))} of pictures"
    )
    if result.failures:
        _line("  failed: " + ", ".join(f"{reason} {rows}" for reason, rows in result.failures.most_common()))
    for number, why in sorted(result.lost.items())[:10]:
        _line(f"  shard {number}: {why}")
    if result.lost:
        _line("  run the same command again to do what is not committed")


def status(found: Status) -> None:
    state = "complete" if found.complete else "not complete"
    again = (
        f", {found.supplementary_shards} of {found.planned_supplementary_shards} supplementary"
        if found.planned_supplementary_shards
        else ""
    )
    _line(f"{found.url}: {state}; {found.shards} of {found.planned_shards} shards{again}, {size(found.bytes)}")
    rows = [("source rows", str(found.planned_rows), ""), ("in the ledger", str(found.rows), "")]
    rows += [(f"failed: {name}", str(n), _share(n, found.rows)) for name, n in found.failed.items()]
    rows += [(f"rejected: {name}", str(n), _share(n, found.rows)) for name, n in found.rejected.items()]
    rows.append(("kept", str(found.kept), _share(found.kept, found.rows)))
    _table("rows", ("", "rows", "share"), rows)
    _table(
        "layers", ("layer", "shards"), [(layer, f"{done}/{found.all_shards}") for layer, done in found.layers.items()]
    )
    if found.block_lists is None:
        _line("block-lists: their history is damaged: run humanverse verify")
    for item in found.block_lists or ():
        _line(f"block-list {item['path']}: {item['kind']}, {item['entries']} entries")
    for name, unseen in found.views.items():
        _line(f"view {name}: " + (f"{unseen} shards cannot be read with it: make it again" if unseen else "up to date"))


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
        _line(f"{finding.level}: {finding.path} {finding.message}")
    verdict = "sound" if report.sound else f"{len(report.problems)} problems"
    _line(f"{verdict}: {report.shards} shards, {report.rows} rows, {report.samples} samples checked")


def dedup(result: Deduplicated, url: str) -> None:
    _line(
        f"{url}: {result.samples} samples in {result.shards} shards: {result.groups} groups that are alike, "
        f"{result.left_out} samples left out ({_share(result.left_out, result.samples)}), {result.equal_hashes} of them with "
        f"equal hashes; {result.seconds:.1f} s"
    )
    _line(f"view {result.view}: {result.samples - result.left_out} samples")
    for path, entries in result.block_lists.items():
        _line(f"block-list {path}: {entries} entries")
    if result.largest:
        rows = [(group.uid, str(group.left_out + 1), str(group.row), group.url or "") for group in result.largest]
        _table("largest groups, by the sample that stays", ("uid", "samples", "row", "url"), rows)


def _figure(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def stats(found: Mapping[str, Mapping[str, Any]]) -> None:
    columns = ("count", "mean", "min", "p5", "p50", "p95", "max")
    rows = [
        (name, *(_figure(figures[column]) if column in figures else "-" for column in columns))
        for name, figures in found["numbers"].items()
    ]
    _table("figures", ("", *columns), rows)
    counts = [
        (name, value, str(number)) for name, values in found["counts"].items() for value, number in values.items()
    ]
    _table("counts", ("", "value", "count"), counts)


def card_json(card: Card, settings: Mapping[str, Any], missing: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": card.kind,
        "name": card.name,
        "version": card.version,
        "summary": card.summary,
        "model": card.model,
        "licence": card.licence,
        "protocol": card.protocol,
        "output": card.output,
        "needs": list(card.needs),
        "settings": dict(settings),
        "weights": [{"spec": weight.spec, "sha256": weight.sha256} for weight in card.weights],
        "missing_packages": list(missing),
    }


def cards(found: Sequence[Mapping[str, Any]], in_full: bool) -> None:
    if in_full:
        for card in found:
            _line("\n".join(f"{name}: {_plain(value)}" for name, value in card.items()) + "\n")
        return
    rows = [
        (
            f"{card['kind']}={card['name']}",
            card["summary"],
            card["licence"],
            ", ".join(card["missing_packages"]) or "ready",
        )
        for card in found
    ]
    _table("annotators", ("annotator", "what it does", "licence", "here"), rows)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {json.dumps(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(item["spec"] if isinstance(item, dict) else str(item) for item in value) or "none"
    return str(value)


def weight_json(item: Listed) -> dict[str, Any]:
    return {
        "spec": item.weight.spec,
        "sha256": item.weight.sha256,
        "size": item.weight.size,
        "path": item.path and str(item.path),
    }


def weights(found: Sequence[Mapping[str, Any]]) -> None:
    rows = [(item["spec"], size(item["size"] or 0), "here" if item["path"] else "not yet") for item in found]
    _table("weights", ("weights", "size", ""), rows)
