"""``annotate --sample N``: what annotators would say, looked at before anything is written to the dataset."""

from __future__ import annotations

import hashlib
import heapq
import math
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from annotators.base import Picture, Row
from annotators.run import parts
from humanverse.dataset.adding import Target
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.errors import UserError
from humanverse.plurals import word
from humanverse.report import preview as page
from humanverse.report.wording import count, duration, without_password
from pipelines.annotate import resources_of
from pipelines.opening import obtain_weights, tell_cpu_only, tell_devices
from pipelines.plan_layers import Asked, Plan, plan, words
from pipelines.progress import Counts, Display, Local, pace
from pipelines.stages.making import Makers, areas
from schemas.layers import OK
from schemas.provenance import model_of


@dataclass
class Preview:
    """What was seen.

    Attributes:
        page: where it was written.
        samples: that were looked at.
        all_samples: in the dataset.
        rows: per layer its rows by status.
        reasons: per layer why rows say nothing.
        seconds: that the samples took, models loaded.
    """

    page: Path
    samples: int
    all_samples: int
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Samples a second."""
        return self.samples / max(self.seconds, 1e-9)

    @property
    def expected_s(self) -> float:
        """What all samples would take."""
        return self.all_samples / max(self.rate, 1e-9)


def preview(url: str, asked: Asked, wanted: int, out: Path | None = None, device: str | None = None) -> Preview:
    """Annotate some samples in this process, and write a page about them; the dataset is not touched.

    Args:
        asked: which layers, made how.
        wanted: samples to look at, at the most; which ones depends on their uids alone.
        out: the page; None for one beside a dataset in a folder.
        device: where the models run; None for the recipe's.

    Raises:
        UserError: for whatever the user can mend.
    """
    dataset = Dataset(url)
    planned = plan(dataset, asked, resources_of(dataset, device).device, writing=False)
    where = out or _beside(dataset, planned)
    total, chosen = choose(dataset, wanted)
    if not total:
        raise UserError(f"{url} has no samples: build it first")
    annotators = [addition.annotator for addition in planned.additions.values()]
    tell_cpu_only(annotators)
    tell_devices(annotators)
    obtain_weights(annotators)
    makers = Makers({kind: addition.annotator for kind, addition in planned.additions.items()})
    makers.load()
    result = Preview(where, sum(len(positions) for positions in chosen.values()), total)
    tally, seen = Local(), []
    begun = time.monotonic()
    with Display("preview", result.samples, 0, tally.counts, math.inf, unit="samples", note=_note):
        for shard, positions in chosen.items():
            for item in _look(Target.open(dataset, shard), positions, planned, makers):
                tally(rows=1)
                seen.append(item)
    result.seconds = time.monotonic() - begun
    for kind, addition in planned.additions.items():
        said = [item.said[kind] for item in seen]
        result.rows[addition.layer] = Counter(row["status"] for row in said)
        result.reasons[addition.layer] = Counter(str(row["reason"]) for row in said if row["status"] != OK)
    again = ["--sample", str(wanted), *(["--out", str(out)] if out else [])]
    _write(dataset, planned, result, seen, _command(dataset, asked, planned, device), shlex.join(again))
    return result


def _command(dataset: Dataset, asked: Asked, planned: Plan, device: str | None) -> str:
    """The command that adds what was looked at, quoted for a shell."""
    annotators = {kind: addition.annotator.card.name for kind, addition in planned.additions.items()}
    where = ["--device", device] if device else []
    return shlex.join(
        ["humanverse", "annotate", without_password(dataset.store.url), *words(asked, annotators), *where]
    )


def choose(dataset: Dataset, wanted: int) -> tuple[int, dict[int, list[int]]]:
    """How many samples there are, and at most ``wanted`` of them: those whose uids have the lowest SHA-256.

    Returns:
        Samples; shard number -> rising positions in its table as written.
    """
    counts: list[int] = []

    def candidates() -> Iterator[tuple[bytes, int, int]]:
        for shard, target in over_shards(lambda number: (number, Target.open(dataset, number)), dataset.shards()):
            uids, gone = target.images.column("uid").to_pylist(), target.forgotten
            counts.append(len(uids) - int(np.count_nonzero(gone)))
            for position in np.flatnonzero(~gone):
                yield hashlib.sha256(uids[position].encode()).digest(), shard, int(position)

    chosen: dict[int, list[int]] = {}
    for _, shard, position in sorted(heapq.nsmallest(wanted, candidates()), key=lambda item: item[1:]):
        chosen.setdefault(shard, []).append(position)
    return sum(counts), chosen


def _look(shard: Target, positions: Sequence[int], planned: Plan, makers: Makers) -> Iterator[page.Seen]:
    """The samples at ``positions`` with what is said about them."""
    images = shard.images.take(positions)
    there = {kind: shard.needed(layer, positions) for kind, layer in planned.reads.items()}
    for part in parts(areas(images)):
        rows = images.slice(part.start, len(part)).to_pylist()
        pictures = [Picture(row["uid"], shard.dataset.jpeg(shard.number, row), row["caption"]) for row in rows]
        said: dict[str, list[Row]] = {
            kind: table.slice(part.start, len(part)).to_pylist() for kind, table in there.items()
        }
        made = makers.tables(pictures, said, [*planned.additions], lambda done: None)
        said |= {kind: table.to_pylist() for kind, table in made.items()}
        for index, (at, row) in enumerate(zip(part, rows, strict=True)):
            yield page.Seen(shard.number, positions[at], row, {kind: found[index] for kind, found in said.items()})


def _note(counts: Counts, rate: float) -> str:
    return pace(rate, "sample")


def _beside(dataset: Dataset, planned: Plan) -> Path:
    if not dataset.store.local:
        raise UserError(f"{dataset.store.url} is not on this machine: say where the page goes with --out preview.html")
    root = Path(dataset.store.root)
    return root.with_name(
        "-".join([root.name, "preview", *(layer.replace("/", "-") for layer in planned.layers)]) + ".html"
    )


def _write(
    dataset: Dataset, planned: Plan, result: Preview, seen: Sequence[page.Seen], command: str, again: str
) -> None:
    """Write the page.

    Args:
        command: that adds the layers.
        again: what makes it the command that writes this page.
    """
    shown = {kind: addition.layer for kind, addition in planned.additions.items()} | planned.reads
    layers = [
        page.LayerRows(
            addition.layer,
            model_of(planned.cards[kind]),
            planned.cards[kind]["licence"],
            planned.cards[kind]["settings"],
            result.rows[addition.layer],
            result.reasons[addition.layer].most_common(),
        )
        for kind, addition in planned.additions.items()
    ]
    head = [
        ("looked at", f"{count(result.samples)} of {count(result.all_samples)} {word(result.all_samples, 'sample')}"),
        ("rate", f"{result.rate:.2f} samples a second in one process"),
        ("all would take it", duration(result.expected_s)),
    ]
    page.write(dataset, result.page, shown, seen, layers, head, result.all_samples, f"{command} {again}", command)
