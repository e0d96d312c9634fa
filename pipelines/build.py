"""The main job: from a source to a dataset, shard by shard; run again, it does what is not committed yet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from annotators import registry
from annotators.weights import Weight, listing, obtain
from humanverse.dataset import blocklists, create
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.sources import ShardRows, open_source
from humanverse.storage import Store
from pipelines import retry as retrying
from pipelines.download.base import Job
from pipelines.download.engines import Direct, engine_for
from pipelines.engine import local as local_engine
from pipelines.progress import Display, Local, say
from pipelines.retry import Retried
from pipelines.stages import annotate, checks
from pipelines.stages.annotate import Annotate
from pipelines.stages.base import Done, Stage
from pipelines.stages.commit import Commit
from pipelines.stages.gate import Gate
from pipelines.todo import Todo
from schemas.recipe import Recipe

ELSEWHERE = "a worker on another machine wrote it where this one cannot see it: use a bucket or a shared folder"


@dataclass
class Result:
    """How a run of ``build`` ended.

    Attributes:
        planned: shards of the source and of earlier retries; of a run that retries, its own.
        before: those of them that were committed when it started.
        committed: shards that this run committed.
        heard: numbers of the shards that a worker says it committed.
        lost: shard number -> why it is not committed.
        counts: rows of this run's shards by ledger status, and ``bytes`` of stored pictures.
        failures: failed rows of this run's shards by reason.
        seconds: wall time.
        retried: what was tried again, or was to be; None if nothing was.
    """

    planned: int
    before: int
    committed: int = 0
    heard: set[int] = field(default_factory=set)
    lost: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    retried: Retried | None = None

    def add(self, done: Done) -> None:
        if done.error is not None:
            self.lost[done.number] = done.error
            return
        self.committed += 1
        self.heard.add(done.number)
        self.failures.update(done.failures)
        for name, value in done.counts.items():
            self.counts[name] = self.counts.get(name, 0) + value

    @property
    def nothing_worked(self) -> bool:
        """There was work, and no shard was committed or no picture could be had; a second attempt may well give none."""
        pictures = self.counts.get("kept", 0) + self.counts.get("rejected", 0)
        return self.before < self.planned and (self.committed == 0 or (pictures == 0 and self.retried is None))


Runner = Callable[[Callable[[], Iterator[ShardRows]], Sequence[Stage]], Any]


def build(
    source: Sequence[str],
    url: str,
    recipe: Recipe,
    *,
    workers: int | None = None,
    local: bool = False,
    allow_private: bool = False,
    retry: Sequence[str] = (),
) -> Result:
    """Build the dataset at ``url`` from ``source``, or go on where an earlier run stopped.

    Rows that were to be tried again and are not yet are tried first.

    Args:
        source: paths, globs or URLs of the source table, or of pictures that are already there.
        url: a folder or bucket prefix; empty, or a dataset of the same source and recipe.
        recipe: what to keep and what to write.
        workers: of each stage; None for as many as fit.
        local: one process, no Ray.
        allow_private: fetch from private addresses too (tests, intranets).
        retry: ledger reasons; if any are given, only the rows of committed shards that ended with one of them are tried,
            and ``recipe.fetch`` may be another than the dataset's. While an earlier retry is not finished, it is finished
            instead.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    reasons = retrying.check_reasons(retry)
    annotators = annotate.make(recipe.annotators, recipe.resources.device)
    for annotator in annotators.values():
        registry.require_packages(annotator.card)
    _pull([weight for annotator in annotators.values() for weight in annotator.card.weights])
    rows = open_source(list(source), recipe.source)
    store = Store(url)
    total, size = rows.count(), recipe.source.shard_size
    if total == 0:
        raise UserError(f"{' '.join(source)}: the source has no rows")
    identity = {**rows.identity(), "rows": total, "shard_size": size}
    there = Dataset(url) if create.check_place(store, recipe, identity, retrying=bool(reasons)) else None
    if reasons and there is None:
        raise UserError(f"{url} is not a dataset yet: build it without --retry first")
    committed = frozenset(() if there is None else there.shards())
    todo = Todo(rows, total, size, committed, not reasons, () if there is None else tuple(there.passes()))
    if reasons:
        todo = replace(todo, passes=tuple(todo.unfinished))
    result = Result(todo.planned, todo.done, retried=retrying.told(todo.unfinished, continued=True))
    job = Job(rows, recipe, store, identity, committed, allow_private, workers, local)
    downloads = Direct(job) if reasons else engine_for(job)
    if not reasons and result.before == result.planned:
        downloads.finish()
        return result
    downloads.prepare()

    gated = checks.kinds_needed(recipe.gate)
    blocked = blocklists.obtain(store, recipe.block)
    in_force = blocklists.in_force(store, blocked, recipe.block.phash_distance)

    def stages(recipe: Recipe, remote: bool) -> list[Stage]:
        return [
            Gate(recipe, remote, allow_private, rows.extra_fields, in_force),
            Annotate(recipe.annotators, [kind for kind in annotators if kind not in gated], recipe.resources.device),
            Commit(store.url),
        ]

    with _engine(local, recipe, workers) as (run, counts):
        create.create_or_continue(store, recipe, identity, retrying=bool(reasons))
        for kind, card in annotate.provenances(annotators).items():
            create.declare_layer(store, annotators[kind].card.layer, card)
        retrying.go_on(todo.unfinished, wanted=bool(reasons))
        if reasons and there is not None and not todo.passes:
            todo = replace(todo, passes=retrying.begin(there, reasons, recipe.fetch))
            result.planned = todo.planned
            result.retried = retrying.told(todo.passes, continued=False) or Retried(reasons)
        if result.planned == 0:
            return result
        blocklists.publish(store, blocked, recipe.block.phash_distance)

        def progress() -> dict[str, int]:
            return {**counts(), **downloads.counts()}

        with (
            Display("build", todo.all_rows, todo.rows_done, progress, recipe.resources.heartbeat_s) as display,
            closing(todo.works(store, recipe, downloads)) as works,
        ):
            for work in works:
                for done in run(work.feed, stages(work.recipe, work.remote)):
                    result.add(done)
                    if done.error:
                        display.say(f"shard {done.number} is not committed: {done.error}")
                    if done.fatal:
                        raise UserError(done.error)
    _name_the_missing(result, store, todo.numbers)
    if not result.lost:
        downloads.finish()
        store.remove_temporary()
    result.seconds = time.monotonic() - started
    return result


def _pull(weights: Sequence[Weight]) -> None:
    """Get what is not in the cache yet, saying so: it can take a while."""
    for item in listing(weights):
        if item.path is None:
            say(f"fetching weights: {item.weight.file_name}, {item.weight.size / 1e6:.1f} MB")
            obtain(item.weight)


def _name_the_missing(result: Result, store: Store, numbers: Iterable[Iterable[int]]) -> None:
    """Shards that are not there although nothing was said: their worker died every time, or wrote where we cannot see it."""
    there = set(Dataset(store.url).shards())
    for number in chain.from_iterable(numbers):
        if number in there:
            continue
        elsewhere = number in result.heard
        result.lost.setdefault(number, ELSEWHERE if elsewhere else "its worker died each time it was tried")


@contextmanager
def _engine(local: bool, recipe: Recipe, workers: int | None) -> Iterator[tuple[Any, Callable[[], dict[str, int]]]]:
    """A function that runs stages over a feed, and one that reads the counts so far."""
    if local:
        tally = Local()
        yield lambda feed, stages: local_engine.run(feed(), stages, tally), tally.counts  # type: ignore[misc]
        return
    from pipelines.engine import on_ray

    started = on_ray.connect()
    import ray

    try:
        sizes = on_ray.pools(recipe.resources, workers, ray.cluster_resources())
        actor = on_ray.start_tally()
        yield (
            lambda feed, stages: on_ray.run(feed, stages, sizes, actor),
            lambda: ray.get(actor.counts.remote()),
        )
    finally:
        if started:
            ray.shutdown()
