"""``annotate``: add layers to a dataset that is built, or complete them, shard by shard; run again, it does what is lacking."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from annotators.torch.device import found, resolve
from humanverse.dataset import create, layout
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.errors import UserError
from pipelines.engine.choice import started
from pipelines.opening import obtain_weights, tell_cpu_only, tell_devices
from pipelines.plan_layers import Asked, Plan, plan
from pipelines.progress import LOADING, Counts, Display, pace, say
from pipelines.result import DIED, ELSEWHERE, silent
from pipelines.stages.add_layers import TRIES, AddLayers, Lacking
from pipelines.stages.base import Done
from schemas.recipe import Resources

ALONE_CPUS = 0.95
"""CPUs of one worker where the models have no GPU: no other stage is beside it, so there is one for each CPU."""
COUNTED = 64
"""Shards whose rows are counted before the start; of more, as many are looked at and the rest is estimated."""


@dataclass
class Result:
    """How a run of ``annotate`` ended.

    Attributes:
        layers: ``<kind>/<name>`` of each layer asked for.
        shards: committed in the dataset.
        before: those of them that had all of the layers when it started.
        done: shards that got what they lacked.
        heard: numbers of the shards that a worker says it has done.
        lost: shard number -> why it did not.
        rows: per layer its new rows by status.
        reasons: per layer why new rows are not ok.
        bytes: written.
        seconds: wall time.
    """

    layers: list[str]
    shards: int
    before: int
    done: int = 0
    heard: set[int] = field(default_factory=set)
    lost: dict[int, str] = field(default_factory=dict)
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0

    def add(self, done: Done) -> None:
        """Note how one shard ended."""
        if done.error is not None:
            self.lost[done.number] = done.error
            return
        self.done += 1
        self.heard.add(done.number)
        self.bytes += done.counts["bytes"]
        for layer, statuses in done.layers.items():
            self.rows.setdefault(layer, Counter()).update(statuses)
        for layer, reasons in done.reasons.items():
            self.reasons.setdefault(layer, Counter()).update(reasons)

    @property
    def silent(self) -> list[str]:
        """Layers of which no new row says anything, and at least one failed."""
        return silent(self.rows)

    @property
    def nothing_worked(self) -> bool:
        """There was work, and no shard was done, or no row of any layer says anything."""
        said = sum(count for statuses in self.rows.values() for state, count in statuses.items() if state != "failed")
        made = sum(statuses.total() for statuses in self.rows.values())
        return self.before < self.shards and (self.done == 0 or (made > 0 and said == 0))


def annotate(
    url: str, asked: Asked, *, device: str | None = None, workers: int | None = None, local: bool = False
) -> Result:
    """Make the layers that are asked for, in every committed shard that lacks them.

    Args:
        url: of a dataset.
        asked: which layers, made how.
        device: where the models run; None for the recipe's.
        workers: None for as many as fit.
        local: one process, no Ray.

    Raises:
        UserError: for whatever the user can mend.
    """
    begun = time.monotonic()
    dataset = Dataset(url)
    resources = resources_of(dataset, device)
    planned = plan(dataset, asked, resources.device)
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{url} has no committed shard: build it first")
    lacking = _lacking(dataset, planned, shards)
    result = Result(planned.layers, len(shards), len(shards) - len(lacking))
    if lacking:
        annotators = [addition.annotator for addition in planned.additions.values()]
        tell_cpu_only(annotators)
        if all(annotator.cpu_only for annotator in annotators):
            resources = resources_of(dataset, "cpu")
        if local:
            tell_devices(annotators)
        obtain_weights(annotators)
        with started(local, resources, workers, [AddLayers.name]) as engine, _declared(dataset, planned):
            stage = AddLayers(url, planned.additions, planned.reads, engine.attempts)
            total = _rows(dataset, lacking)
            with Display(
                "annotate", total, 0, engine.counts, resources.heartbeat_s, note=_note, first=LOADING
            ) as display:
                for done in engine.run(partial(iter, lacking), [stage], TRIES):
                    result.add(done)
                    if done.error:
                        display.say(f"shard {done.number} has not got its layers: {done.error}")
                    if done.fatal:
                        raise UserError(done.error)
        _name_missing(result, dataset, planned, lacking)
    dataset.store.remove_temporary()
    result.seconds = time.monotonic() - begun
    return result


@contextmanager
def _declared(dataset: Dataset, planned: Plan) -> Iterator[None]:
    """Cards of the layers; a card that came now goes again if the work ends with an error before any shard of its layer."""
    layers = {addition.layer: planned.cards[kind] for kind, addition in planned.additions.items()}
    new = [layer for layer, card in layers.items() if not create.check_layer(dataset.store, layer, card)]
    for layer, card in layers.items():
        create.declare_layer(dataset.store, layer, card)
    try:
        yield
    except Exception:
        for layer in new:
            if not dataset.layer_shards(layer):
                dataset.store.remove(layout.layer_folder(layer))
        raise


def resources_of(dataset: Dataset, device: str | None) -> Resources:
    """The recipe's resources, on another device if one is named.

    Raises:
        UserError: if there is no such device.
    """
    resources = dataset.recipe.resources
    own = resources.annotate
    where = resources.device if device is None else device
    if where == "auto":
        say(found(where))
        where = resolve(where)
    gpus = own.gpus or (1.0 if where.startswith("cuda") else 0.0)
    cpus = own.cpus if gpus else max(own.cpus, ALONE_CPUS)
    changed = {"device": where, "annotate": {**own.model_dump(), "cpus": cpus, "gpus": gpus}}
    try:
        return Resources.model_validate({**resources.model_dump(), **changed})
    except ValueError as error:
        raise UserError(
            f"--device {where}: give cpu, cuda, cuda:0 and so on for one GPU of several, or auto"
        ) from error


def _lacking(dataset: Dataset, planned: Plan, shards: Sequence[int]) -> list[Lacking]:
    there = {kind: dataset.layer_shards(addition.layer) for kind, addition in planned.additions.items()}
    lacked = {number: tuple(kind for kind, having in there.items() if number not in having) for number in shards}
    return [Lacking(number, kinds) for number, kinds in lacked.items() if kinds]


def _rows(dataset: Dataset, lacking: Sequence[Lacking]) -> int:
    """Rows to be made, estimated by some of the shards if these are many."""
    step = max(1, len(lacking) // COUNTED)
    looked_at = lacking[::step]
    sizes = over_shards(
        lambda number: dataset.images_as_written(number, ["row"]).num_rows, [i.number for i in looked_at]
    )
    rows = sum(size * len(item.kinds) for size, item in zip(sizes, looked_at, strict=True))
    return round(rows * len(lacking) / len(looked_at))


def _note(counts: Counts, rate: float) -> str:
    return pace(rate)


def _name_missing(result: Result, dataset: Dataset, planned: Plan, lacking: Sequence[Lacking]) -> None:
    """Note what lacks layers although nothing was said."""
    left = {item.number for item in _lacking(dataset, planned, [item.number for item in lacking])}
    for number in sorted(left):
        result.lost.setdefault(number, ELSEWHERE if number in result.heard else DIED)
