"""Training batches of a view, in an order that can be gone on with anywhere: what ``Dataset.to_torch`` gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.errors import UserError
from humanverse.labels import mirrored
from humanverse.loading.cached import Cached, Latent, Prompt
from humanverse.loading.dense import DENSE
from humanverse.loading.index import Index, build_index, load_index, save_index, view_of
from humanverse.loading.order import Order
from humanverse.loading.sample import RGB, Layers
from humanverse.loading.settings import POSE, RANDOM, Settings, kind_of
from humanverse.loading.stream import Pace, Stream, Turn, as_tensors
from humanverse.plurals import plural


@dataclass(frozen=True)
class Plan:
    """All that a process needs to make batches; it can be pickled.

    Attributes:
        url: of the dataset.
        index: the samples of the run.
        settings: of the run.
        layers: of the run.
        pace: how batches are made.
    """

    url: str
    index: Index
    settings: Settings
    layers: Layers
    pace: Pace

    def order(self) -> Order:
        settings = self.settings
        return Order(self.index, settings.seed, settings.batch_size, settings.mixing)

    def stream(self, dataset: Dataset, turn: Turn) -> Stream:
        return Stream(dataset, self.index, self.order(), self.settings, self.layers, self.pace, turn)


def resolve_layers(selection: Selection, settings: Settings) -> Layers:
    """The layers that the settings name, as the dataset or the view has them.

    Raises:
        DatasetError: if one is not there, or a kind has several and none was named.
    """
    named = {kind_of(layer): selection.resolve(layer) for layer in settings.layers}
    captions = {layer: selection.resolve(layer) for layer in settings.caption_layers}
    dense = {kind: layer for kind, layer in named.items() if kind in DENSE}
    cached, sides = _cached(selection, settings), _sides(selection, dense)
    return Layers(dense, named.get(POSE), captions, RGB not in settings.latents, cached, sides)


def _sides(selection: Selection, dense: Mapping[str, str]) -> dict[str, np.ndarray]:
    """See ``Layers``."""
    found = {}
    for kind, layer in dense.items():
        ids = np.arange(256, dtype=np.uint8)
        swapped = mirrored(selection.dataset.layer_card(layer).get("labels", ()))
        ids[: len(swapped)] = swapped
        if (ids != np.arange(256)).any():
            found[kind] = ids
    return found


def _cached(selection: Selection, settings: Settings) -> Cached:
    def card(layer: str) -> tuple[str, Mapping[str, Any]]:
        found = selection.resolve(layer)
        return found, selection.dataset.layer_card(found)

    return Cached(
        {name: Latent.of(*card(layer)) for name, layer in settings.latents.items()},
        {name: Prompt.of(*card(layer)) for name, layer in settings.prompts.items()},
    )


def frozen_index(selection: Selection, settings: Settings, layers: Layers, path: str | None) -> Index:
    """The samples of a run: those at ``path``, or the view's as they are now, which are then written there.

    Raises:
        DatasetError: if a shard has not all of the layers, or there is no sample.
        UserError: if what is at ``path`` is of another view, or for other buckets.
    """
    there = load_index(path) if path else None
    if there is not None:
        if there.view not in (None, view_of(selection)):
            raise UserError(
                f"{path} has {_samples_of(there.view)}, not {_samples_of(view_of(selection))}: give another path, or the "
                "same view"
            )
        if [tuple(size) for size in there.sizes.tolist()] != list(settings.buckets):
            raise UserError(f"{path} is of a run with other buckets: give another path, or the same buckets")
        selection.check(there.shards.tolist(), layers.read)
        return there
    shards = selection.dataset.shards()
    selection.check(shards, layers.read)
    made = build_index(selection, settings.buckets, shards)
    if path:
        save_index(made, path)
    return made


def _samples_of(view: str | None) -> str:
    return f"the samples of the view {view}" if view else "all samples"


class Loader:
    """Training batches, without end or for some epochs; going on where it stopped.

    Args:
        plan: what is in them.
        rank: of this process.
        world_size: processes that share the batches.
        epochs: after which it ends.

    Attributes:
        batches_per_epoch: of all processes together.
        skipped: why samples could not be had -> how many of this process, since it was made.
    """

    def __init__(self, plan: Plan, rank: int = 0, world_size: int = 1, epochs: int | None = None) -> None:
        if not 0 <= rank < world_size:
            raise UserError(f"process {rank} of {world_size} cannot be: ranks are 0 to {world_size - 1}")
        self._plan, self._turn, self._epochs = plan, Turn(rank, world_size), epochs
        self._dataset = Dataset(plan.url)
        self.batches_per_epoch = len(plan.order())
        self.skipped: Counter[str] = Counter()
        self._start = 0

    @property
    def digest(self) -> str:
        """Hex digits that are the same in processes whose run has the same samples."""
        return self._plan.index.digest

    def __len__(self) -> int:
        """Batches of this process in an epoch; one more in some epochs if they cannot be shared out evenly."""
        return self.batches_per_epoch // self._turn.of

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Batches from where it stands on; ``state_dict`` counts a batch from the moment at which it is given.

        Each is a dictionary: docs/loading.md says what is in it.

        Raises:
            DatasetError: if no sample of a batch can be had, nor of many later ones, or the dataset cannot be read.
        """
        stop = None
        if self._epochs is not None:
            stop = self._epochs * self.batches_per_epoch // self._turn.of * self._turn.of
        made = self._made_elsewhere(stop) if self._plan.pace.processes else self._made_here(stop)
        for batch in made:
            self._start += self._turn.of
            self.skipped.update(batch["skipped"])
            yield batch

    def _made_here(self, stop: int | None) -> Iterator[dict[str, Any]]:
        for made in self._plan.stream(self._dataset, self._turn).batches(self._start, stop):
            yield as_tensors(made)

    def _made_elsewhere(self, stop: int | None) -> Iterator[dict[str, Any]]:
        from humanverse.loading.processes import batches

        return batches(self._plan, self._turn, self._start, stop)

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, the same in all processes that have given the same number of batches; JSON can hold it."""
        settings = self._plan.settings
        return {
            "batch": self._start,
            "samples": self._start * settings.batch_size,
            "epoch": self._start // self.batches_per_epoch,
            "order": self._order_facts(),
        }

    def _order_facts(self) -> dict[str, Any]:
        """All that decides which samples are in which batch, and what they look like."""
        settings = self._plan.settings
        return {
            "index": self.digest,
            "seed": settings.seed,
            "batch_size": settings.batch_size,
            "flip": settings.flip,
            "buckets": [list(size) for size in settings.buckets],
            "captions": dict(settings.captions),
            **asdict(settings.mixing),
            **({} if settings.crop == RANDOM else {"crop": settings.crop}),
        }

    def load_state_dict(self, state: Mapping[str, Any], resize: bool = False) -> None:
        """Go on where another loader stood, also one of another number of processes or workers.

        Args:
            state: of that one.
            resize: whether its batches may have had another size. Then this goes on after as many samples, but in the order
                that batches of its own size have: of an epoch that was begun some samples come twice, others not.

        Raises:
            UserError: if that one gave other samples, or the batches done cannot be shared out among these processes.
        """
        size = self._plan.settings.batch_size
        if resize and int(state["samples"]) % size == 0:
            state = {**state, "batch": int(state["samples"]) // size, "order": {**state["order"], "batch_size": size}}
        own, theirs = {"crop": RANDOM, **self._order_facts()}, {"crop": RANDOM, **state["order"]}
        theirs.setdefault("buckets", own["buckets"])
        differ = sorted(name for name in own.keys() | theirs.keys() if own.get(name) != theirs.get(name))
        if "index" in differ and "buckets" not in differ:
            raise UserError(
                "the dataset or the view has other samples than when the run began: keep the run's samples in a file "
                "(to_torch(index=PATH)) from its beginning on, or start anew"
            )
        if differ:
            name = "buckets" if "buckets" in differ else differ[0]
            raise UserError(
                f"the run has {name} {theirs.get(name)}, not {own.get(name)}: go on with the same, or start anew"
            )
        done, of = int(state["batch"]), self._turn.of
        if done % of:
            raise UserError(
                f"{plural(done, 'batch is', 'batches are')} done, which {of} processes cannot have shared: go "
                "on with another number"
            )
        self._start = done
