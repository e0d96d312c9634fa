"""``compare`` without a kind: the report card of every layer that stands beside ground truth of its kind."""

from __future__ import annotations

import math
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanverse.compare.card import Card, Row, card
from humanverse.compare.truth import find
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.compare import COMMAND, check_page, note
from pipelines.progress import Display, Local


@dataclass(frozen=True)
class Result:
    """The report card, where its page is, and how long it took."""

    card: Card
    page: Path | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        found = self.card
        return {
            "dataset": found.url,
            "view": found.view,
            "truths": dict(found.truths),
            "layers": [_row_json(row) for row in found.rows],
            "left_out": dict(found.left_out),
            "page": None if self.page is None else str(self.page),
            "seconds": round(self.seconds, 3),
        }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "truth": row.comparison.b.layer,
        "headlines": [
            {"name": item.name, "value": item.value, "unit": item.unit, "better": item.better} for item in row.headlines
        ],
        "covered": row.covered,
        "compared": row.compared,
        "failed": row.failed,
        "unavailable": row.unavailable,
        "shards_lacking": dict(row.comparison.lacking),
        "made_from_truth": list(row.given),
        "figures": row.comparison.findings.figures,
    }


def compare_card(url: str, truth: str | None = None, out: Path | None = None, view: str | None = None) -> Result:
    """Compare every layer of ``url`` with the ground truth of its kind.

    Args:
        truth: the name of the ground truth; ``truth``, or what says that it is one, if not given.
        out: where to write a page about it; none if not given.
        view: compare only this view's samples.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    dataset = Dataset(url)
    check_page(out)
    if not dataset.shards():
        raise UserError(f"{url} has no committed shard: build it first")
    count = Local()
    pairs = find(dataset, truth).judged
    shards = sum(len(dataset.layer_shards(layer) & dataset.layer_shards(right)) for layer, right in pairs)
    with Display(COMMAND, shards, 0, count.counts, math.inf, unit="shards", note=note):
        found = card(dataset, truth, view, done=lambda samples: count(rows=1, samples=samples))
    if out is not None:
        from humanverse.report.card import write

        write(dataset, found, out, _command(url, truth, out, view))
    return Result(found, out, time.monotonic() - started)


def _command(url: str, truth: str | None, out: Path, view: str | None) -> str:
    """How to make the page again."""
    from humanverse.report.wording import without_password

    words = ["humanverse", COMMAND, without_password(url), "--out", out.name]
    return shlex.join([*words, *(["--truth", truth] if truth else []), *(["--view", view] if view else [])])
