"""The main job: from a source to a dataset, shard by shard; run again, it does what is not committed yet."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import chain

from humanverse.dataset import blocklists, create
from humanverse.dataset.blocklists import InForce
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines import retry as retrying
from pipelines.download.base import Engine as Downloads
from pipelines.download.engines import engine_for
from pipelines.engine.choice import Started, started
from pipelines.opening import Opened, open_build, with_gpus
from pipelines.progress import LOADING, Counts, Display
from pipelines.result import Result
from pipelines.stages import annotate, checks
from pipelines.stages.annotate import Annotate
from pipelines.stages.base import Stage
from pipelines.stages.blur import BlurFaces
from pipelines.stages.commit import Commit
from pipelines.stages.gate import Gate
from pipelines.todo import Todo, Work
from schemas.recipe import AnnotatorSettings, Recipe
from schemas.recipe_annotators import layers

__all__ = ["Result", "build"]


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
    begun = time.monotonic()
    opened = open_build(source, url, recipe, retry, workers=workers, local=local, allow_private=allow_private)
    todo, downloads = opened.todo, engine_for(opened.job, own=opened.retrying)
    if not opened.retrying and todo.done == todo.planned:
        downloads.finish()
        return Result(todo.planned, todo.done, lacking=_lacking(Dataset(url), opened))
    downloads.prepare()
    lists = blocklists.obtain(opened.job.store, recipe.block)
    in_force = blocklists.in_force(opened.job.store, lists, recipe.block.phash_distance)
    with started(local, with_gpus(recipe.resources), workers) as engine:
        _declare(opened)
        todo, retried = retrying.begin_or_go_on(opened.dataset, opened.reasons, recipe.fetch, todo)
        result = Result(todo.planned, todo.done, retried=retried)
        if todo.planned == 0:
            return result
        blocklists.publish(opened.job.store, lists, recipe.block.phash_distance)
        _work(engine, opened, todo, downloads, in_force, result)
    result.name_missing(chain.from_iterable(todo.numbers), frozenset(Dataset(url).shards()))
    if not result.lost:
        downloads.finish()
        opened.job.store.remove_temporary()
    result.seconds = time.monotonic() - begun
    if not allow_private:
        retrying.say_how_to_allow_private(result.failures)
    return result


def _lacking(dataset: Dataset, opened: Opened) -> dict[str, str]:
    """Layers of the recipe that were dropped since, not in all shards, and what to tell ``humanverse annotate``."""
    committed = frozenset(dataset.shards())
    dropped = {
        layer: item for layer, item in opened.job.recipe.layers.items() if committed - dataset.layer_shards(layer)
    }
    return {layer: _words(layer, item) for layer, item in dropped.items()}


def _words(layer: str, item: AnnotatorSettings) -> str:
    kind = layer.partition("/")[0]
    return shlex.join([f"{kind}={item.name}", *(["--as", f"{kind}={item.layer}"] if item.layer else [])])


def _declare(opened: Opened) -> None:
    """Write what a dataset begins with, or check that it is there and the same."""
    job = opened.job
    create.create_or_continue(job.store, job.recipe, job.identity, retrying=opened.retrying)
    named = layers(job.recipe.annotators)
    for place, card in annotate.provenances(opened.annotators, job.recipe.annotators, job.recipe.outpaint).items():
        create.declare_layer(job.store, named[place], card)


def _work(engine: Started, opened: Opened, todo: Todo, downloads: Downloads, in_force: InForce, result: Result) -> None:
    """Do what is to be done, noting in ``result`` how each shard ended.

    Raises:
        UserError: if going on would fail for every other shard too.
    """
    job = opened.job

    def progress() -> Counts:
        return {**engine.counts(), **downloads.counts()}

    with (
        Display(
            "build", todo.all_rows, todo.rows_done, progress, job.recipe.resources.heartbeat_s, first=LOADING
        ) as display,
        closing(todo.works(job.store, job.recipe, downloads)) as works,
    ):
        for work in works:
            for done in engine.run(work.feed, _stages(opened, work, in_force)):
                result.add(done)
                if done.error:
                    display.say(f"shard {done.number} is not committed: {done.error}")
                if done.fatal:
                    raise UserError(done.error)


def _stages(opened: Opened, work: Work, in_force: InForce) -> list[Stage]:
    """What every shard of ``work`` goes through."""
    job, recipe = opened.job, work.recipe
    gated = checks.kinds_needed(recipe.gate)
    further = [place for place in opened.annotators if place not in gated]
    pinned = annotate.pins(opened.annotators)
    last: Stage = Annotate(recipe.annotators, further, recipe.resources.device, pinned, recipe.outpaint)
    return [
        Gate(recipe, work.remote, job.allow_private, job.source.extra_fields, in_force, work.again, pinned),
        BlurFaces(last, recipe.image.quality) if recipe.image.blur_faces else last,
        Commit(job.store.url),
    ]
