"""What a view has, and how it came to that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from humanverse.plurals import plural
from pipelines.show.table import line, share, table

if TYPE_CHECKING:
    from humanverse.dataset.view_cards import Counts
    from pipelines.view import Told


_MADE_OF = 80
"""Characters about one view in the list of all."""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _funnel(counts: Counts) -> None:
    rows = [("all samples", "", "", str(counts.samples), share(counts.samples, counts.samples))]
    rows += [
        (
            _one_line(step.step),
            str(step.left_out),
            str(step.said_nothing),
            str(step.after),
            share(step.after, counts.samples),
        )
        for step in counts.steps
    ]
    table("", ("", "left out", "said nothing", "left", "of all"), rows)


def state(told: Told) -> str:
    """Whether it can be read, in a few words."""
    if told.problem:
        return told.problem
    if told.unreadable:
        return f"{told.unreadable} of {plural(told.shards, 'shard')} cannot be read with it"
    return "can be read"


def view(told: Told, url: str) -> None:
    counts = told.counts
    if counts:
        kept = f"{counts.kept} of {plural(counts.samples, 'sample')} in {plural(counts.shards, 'shard')}"
        since = f"; {plural(told.shards, 'shard')} now" if told.shards != counts.shards else ""
        line(f"{url}: view {told.name}: {kept} ({share(counts.kept, counts.samples)}){since}")
        _funnel(counts)
    else:
        line(f"{url}: view {told.name}" + (f", made by {told.made_by}" if told.made_by else ""))
        for name in told.exclude:
            line(f"leaves out: {name}")
    for kind, layer in told.layers.items():
        line(f"layer of kind {kind}: {layer}")
    if told.others:
        line(
            f"an export carries: {', '.join(told.layers.values())}; not, unless named with --layers: {', '.join(told.others)}"
        )
    if told.problem or told.unreadable:
        line(f"{state(told)}{f': run {told.again}' if told.again and not told.problem else ''}")
    elif counts and told.shards != counts.shards:
        line(f"to count anew: {told.again}")


def views(found: Sequence[Told], url: str) -> None:
    if not found:
        line(f"{url}: no views")
        return
    rows = [(told.name, str(told.counts.kept) if told.counts else "-", _made_of(told), state(told)) for told in found]
    table("views", ("view", "samples", "made of", "state"), rows)


def _made_of(told: Told) -> str:
    """What the view leaves out, asks and reads, in short; ``humanverse view DATASET NAME`` tells all of it."""
    parts = [f"without {', '.join(told.exclude)}"] if told.exclude else []
    parts += [_one_line(" AND ".join(told.where))] if told.where else []
    parts += [f"with {', '.join(told.layers.values())}"] if told.layers else []
    text = "; ".join(parts)
    return text if len(text) <= _MADE_OF else f"{text[: _MADE_OF - 1]}…"
