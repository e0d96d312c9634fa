"""``compare``: two layers of one kind against each other, as figures and as a page of the samples on which they differ most."""

from __future__ import annotations

import math
import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from humanverse.compare.run import Comparison, common_shards
from humanverse.compare.run import compare as run
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.plurals import plural
from pipelines.progress import Counts, Display, Local

COMMAND = "compare"
WORST = 24


@dataclass(frozen=True)
class Result:
    """What ``compare`` found, where its page is, and how long it took."""

    comparison: Comparison
    page: Path | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        found = self.comparison
        return {
            "dataset": found.url,
            "kind": found.kind,
            "a": found.a.layer,
            "b": found.b.layer,
            "truth": found.b.truth,
            "view": found.view,
            "shards": len(found.shards),
            "shards_lacking": dict(found.lacking),
            "samples": found.samples,
            "statuses": {f"{a}/{b}": number for (a, b), number in sorted(found.statuses.items())},
            "only_one": [asdict(item) for item in found.only_one],
            "compared": found.compared,
            "figures": found.findings.figures,
            "disagreement": found.disagreement,
            "worst": [
                {"uid": item.uid, "url": item.url, "shard": item.shard, "position": item.position, "value": item.value}
                for item in found.worst
            ],
            "page": None if self.page is None else str(self.page),
            "seconds": round(self.seconds, 3),
        }


def compare(
    url: str, kind: str, a: str, b: str, out: Path | None = None, worst: int = WORST, view: str | None = None
) -> Result:
    """Compare the layer ``<kind>/<a>`` of ``url`` with ``<kind>/<b>``, the reference.

    Args:
        out: where to write a page about it; none if not given.
        worst: how many of the samples that differ most to name, and to show on the page.
        view: compare only this view's samples.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    dataset = Dataset(url)
    check_page(out)
    count = Local()
    shards, _ = common_shards(dataset, kind, a, b)
    with Display(COMMAND, len(shards), 0, count.counts, math.inf, unit="shards", note=note):
        found = run(dataset, kind, a, b, worst, view, done=lambda samples: count(rows=1, samples=samples))
    if out is not None:
        from humanverse.report.comparison import write

        write(dataset, found, out, _command(url, kind, a, b, out, worst, view))
    return Result(found, out, time.monotonic() - started)


def check_page(out: Path | None) -> None:
    """Refuse a page whose folder is not there, before anything is read."""
    if out is not None and not out.absolute().parent.is_dir():
        raise UserError(
            f"cannot write {out}: there is no folder {out.absolute().parent}; make it, or choose another with --out"
        )


def note(counts: Counts, rate: float) -> str:
    """What stands beside the bar."""
    return plural(counts.get("samples", 0), "sample")


def _command(url: str, kind: str, a: str, b: str, out: Path, worst: int, view: str | None) -> str:
    """How to make the page again."""
    from humanverse.report.wording import without_password

    words = ["humanverse", COMMAND, without_password(url), kind, a, b, "--out", out.name, "--worst", str(worst)]
    return shlex.join([*words, *(["--view", view] if view else [])])
