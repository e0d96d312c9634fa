"""First stage: rows become pictures, pictures are judged, and only what is kept goes on.

Rows end in any order, as their servers answer. What is written must not depend on that: a picture becomes a stored JPEG on its
own; estimators see pictures in fixed groups of neighbouring rows; and of equal pictures the earliest row wins, at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pyarrow as pa

from annotators.base import Picture
from annotators.run import Runner, parts
from humanverse.blocklists import Blocklists
from humanverse.codec import header_size, prepare
from humanverse.codec.phash import phash
from humanverse.dataset.blocklists import InForce
from humanverse.dataset.shard import Shard
from humanverse.errors import one_line
from humanverse.fetch import fetch
from humanverse.memory import keep_freed
from humanverse.sources import ShardRows
from pipelines.stages import checks
from pipelines.stages.annotate import Pins, make, settings_of
from pipelines.stages.base import Count
from pipelines.stages.drift import SourceHashes, drift
from pipelines.stages.faults import check_not_all_failed_alike
from pipelines.stages.making import load
from pipelines.stages.outcome import Outcome, images_table, ledger_table
from pipelines.stages.repeats import drop_placeholders, drop_same_bytes, same_urls
from pipelines.stages.similar import drop_similar
from schemas.ledger import Failure
from schemas.recipe import Recipe
from schemas.recipe_annotators import layers

GROUP = 64
"""Neighbouring rows whose pictures an estimator sees together; fixed, so that results do not depend on timing."""


class Gate:
    """Fetches, decodes and judges the rows of a shard.

    Args:
        recipe: thresholds, fetcher, image handling, annotators.
        remote: whether pictures are fetched by URL; else the source reads them.
        allow_private: whether private addresses may be fetched from.
        extra_fields: the source's columns that pass through.
        blocklists: what must not get in.
        expected: reasons that the rows had failed with before, if they are tried again.
        pinned: what the annotators were settled to be.
    """

    name = "gate"

    def __init__(
        self,
        recipe: Recipe,
        remote: bool,
        allow_private: bool,
        extra_fields: list[pa.Field],
        blocklists: InForce | None = None,
        expected: Collection[str] = (),
        pinned: Pins | None = None,
    ) -> None:
        self.recipe, self.remote, self.allow_private = recipe, remote, allow_private
        self.extra_fields, self.blocklists = extra_fields, blocklists or InForce()
        self.expected, self.pinned = expected, pinned

    def setup(self, count: Count) -> None:
        keep_freed()
        self._count = count
        self._blocked = self.blocklists.load()
        ordered = make(self.recipe.annotators, self.recipe.resources.device, self.pinned, self.recipe.outpaint)
        needed = checks.kinds_needed(self.recipe.gate)
        self._runners = {kind: Runner(ordered[kind]) for kind in ordered if kind in needed}
        settled = settings_of(self.pinned)
        for kind, runner in self._runners.items():
            load(runner.annotator, settled.get(kind))

    def process(self, item: ShardRows) -> Shard:
        table = item.load()
        outcomes: list[Outcome | None] = [None] * table.num_rows
        captions = table.column("caption").to_pylist()
        groups = Groups(table.num_rows)
        for outcome in self._outcomes(item, table):
            outcomes[outcome.index], outcome.caption = outcome, captions[outcome.index]
            if group := groups.complete(outcome.index):
                self._judge([found for index in group if (found := outcomes[index])])
        done = [outcome for outcome in outcomes if outcome is not None]
        assert len(done) == table.num_rows, f"{table.num_rows - len(done)} rows of shard {item.number} got no outcome"
        if self.remote:
            check_not_all_failed_alike(done, self.recipe.fetch.all_failed_from, self.expected)
        judged_worth_keeping = _kept(done)
        if self.recipe.gate.placeholder_urls is not None:
            drop_placeholders(done, table.column("url").to_pylist(), self.recipe.gate.placeholder_urls)
        if self.recipe.gate.drop_duplicates:
            drop_same_bytes(done, table.column("row").to_pylist())
        if self.recipe.gate.similar_distance is not None:
            drop_similar(done, table.column("row").to_pylist(), self.recipe.gate.similar_distance)
        self._count(kept=_kept(done) - judged_worth_keeping)
        return self._shard(item, table, done)

    def _outcomes(self, rows: ShardRows, table: pa.Table) -> Iterator[Outcome]:
        """One outcome per row, in the order in which they end; at most a few pictures wait in memory."""
        urls = table.column("url").to_pylist()
        blocked = {index: why for index, url in enumerate(urls) if (why := self._blocked.text(url))}
        for index, why in blocked.items():
            yield Outcome(index, Failure("blocked", why))
        others = [None if index in blocked else url for index, url in enumerate(urls)]
        repeated = same_urls(others) if self.recipe.gate.drop_duplicates else {}
        for index, earlier in repeated.items():
            yield Outcome(index, Failure("duplicate", f"same URL as row {table.column('row')[earlier].as_py()}"))
        wanted = [index for index in range(len(urls)) if index not in repeated and index not in blocked]
        hashes = SourceHashes(table.select([]) if self.recipe.fetch.drift == "ignore" else table)
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="prepare") as pool:
            yield from _overlapped(pool, self._responses(rows, table, wanted), partial(self._prepare, hashes))

    def _responses(self, rows: ShardRows, table: pa.Table, wanted: list[int]) -> Iterator[tuple[Outcome, bytes | None]]:
        if self.remote:
            yield from self._fetched(table.column("url").to_pylist(), wanted)
            return
        payloads = rows.payloads(table.take(pa.array(wanted, pa.int64())), self.recipe.fetch.max_bytes)
        for index, payload in zip(wanted, payloads, strict=True):
            outcome = Outcome(
                index, payload.failure, http_status=payload.http_status, as_downloaded=payload.as_downloaded
            )
            yield outcome, payload.data

    def _fetched(self, urls: list[str | None], wanted: list[int]) -> Iterator[tuple[Outcome, bytes | None]]:
        pairs = ((index, urls[index]) for index in wanted)
        for response in fetch(pairs, self.recipe.fetch, self.allow_private, self._blocked.url):
            outcome = Outcome(
                response.row,
                response.failure,
                http_status=response.http_status,
                attempts=response.attempts,
                ms=response.ms,
            )
            yield outcome, response.data

    def _prepare(self, hashes: SourceHashes, response: tuple[Outcome, bytes | None]) -> Outcome:
        outcome, data = response
        if data is None:
            return outcome
        outcome.sha256 = hashlib.sha256(data).hexdigest()
        difference = hashes.difference(outcome.index, data, outcome.sha256)
        outcome.drifted = drift(difference, outcome.as_downloaded)
        why = self._blocked.sha256(outcome.sha256)
        prepared = Failure("blocked", why) if why else prepare(data, self.recipe.image)
        if isinstance(prepared, Failure):
            outcome.failure = prepared
            outcome.width, outcome.height = header_size(data) or (None, None)
            return outcome
        outcome.width, outcome.height = prepared.original_width, prepared.original_height
        outcome.prepared = prepared
        if outcome.drifted and self.recipe.fetch.drift == "reject":
            outcome.drop(Failure("drifted", difference or ""))
        elif failure := checks.size(prepared, self.recipe.gate):
            outcome.drop(failure)
        return outcome

    def _judge(self, group: list[Outcome]) -> None:
        """Judge a group's pictures, in row order, no more of them at once than may be decoded."""
        there = [outcome for outcome in group if outcome.prepared]
        for part in parts(outcome.prepared.width * outcome.prepared.height for outcome in there if outcome.prepared):
            self._judge_part([there[at] for at in part])
        self._count(rows=len(group), kept=_kept(group))

    def _judge_part(self, outcomes: list[Outcome]) -> None:
        """Run the gate's estimators over pictures, and drop what is not kept."""
        seen = list(_hashed(outcomes, self._blocked))
        there, pictures = [outcome for outcome, _ in seen], [picture for _, picture in seen]
        for kind, runner in self._runners.items():
            needs = {need: [outcome.said[need] for outcome in there] for need in runner.annotator.card.needs}
            for outcome, row in zip(there, runner.table(pictures, needs).to_pylist(), strict=True):
                outcome.said[kind] = row
        for outcome in there:
            if outcome.prepared and (failure := checks.judge(outcome.prepared, outcome.said, self.recipe.gate)):
                outcome.drop(failure)

    def _shard(self, item: ShardRows, table: pa.Table, outcomes: list[Outcome]) -> Shard:
        kept = [outcome for outcome in outcomes if outcome.prepared]
        shard = Shard(item.number, ledger_table(table, outcomes), images_table(table, kept, self.extra_fields))
        named = layers(self.recipe.annotators)
        for kind, runner in self._runners.items():
            rows = [outcome.said[kind] for outcome in kept]
            shard.layers[named[kind]] = pa.Table.from_pylist(rows, schema=runner.annotator.kind.schema)
        return shard


class Groups:
    """Which groups of neighbouring rows are complete.

    Args:
        rows: of the shard.
    """

    def __init__(self, rows: int) -> None:
        self._groups = [range(start, min(start + GROUP, rows)) for start in range(0, rows, GROUP)]
        self._missing = [len(group) for group in self._groups]

    def complete(self, index: int) -> range | None:
        """Note that row ``index`` has its outcome; the group that this completes, or None."""
        group = index // GROUP
        self._missing[group] -= 1
        return self._groups[group] if self._missing[group] == 0 else None


def _kept(outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.prepared is not None for outcome in outcomes)


def _hashed(outcomes: list[Outcome], blocked: Blocklists) -> Iterator[tuple[Outcome, Picture]]:
    """The pictures with their perceptual hashes taken; each stays decoded for the estimators. Blocked ones go."""
    for outcome in outcomes:
        if outcome.prepared is None:
            continue
        picture = Picture(outcome.uid or "", outcome.prepared.jpeg, outcome.caption)
        try:
            outcome.phash = phash(picture.rgb)
        except Exception as error:  # the decoder's own exceptions are of several classes
            outcome.drop(Failure("gate_error", f"the stored picture cannot be read: {one_line(error)}"))
        else:
            if why := blocked.blocked_picture(outcome.phash):
                outcome.drop(Failure("blocked", why))
            else:
                yield outcome, picture


def _overlapped(
    pool: ThreadPoolExecutor,
    responses: Iterable[tuple[Outcome, bytes | None]],
    work: Any,
    most: int = 8,
) -> Iterator[Outcome]:
    """``work`` on every response in the pool, yielded as it ends, never more than ``most`` waiting."""
    pending: set[Future[Outcome]] = set()
    for response in responses:
        pending.add(pool.submit(work, response))
        if len(pending) >= most:
            ended, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
    yield from (future.result() for future in pending)
