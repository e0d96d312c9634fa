"""The batches of one process, made ahead of their use: one thread reads, several decode."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from math import gcd
from typing import Any

import numpy as np

from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError, UserError, one_line
from humanverse.loading.buckets import Size
from humanverse.loading.fetching import DAMAGED, Contents, Fetching
from humanverse.loading.index import Index
from humanverse.loading.order import Batch, Mixing, Order
from humanverse.loading.sample import Layers, Maker, Slots, Unusable, stand_ins
from humanverse.loading.settings import Settings
from humanverse.loading.tables import Facts, Tables

REQUESTS = 16
"""Requests to a bucket at a time."""
_ROUNDS = 2
"""Rounds of reading that are under way or wait to be decoded."""
TRIES = 32
"""Later batches that are looked at for the samples of one of which none can be had."""


@dataclass(frozen=True)
class Pace:
    """How batches are made. Nothing of it changes what is in them.

    Attributes:
        threads: that decode, in each process.
        ahead: batches that are decoded, or are being decoded, before they are asked for; in each process.
        together: samples that are read at once, at least a batch: neighbours among them are one request. None: of a folder a
            batch, of a bucket what one window of the lanes has.
        processes: further processes that batches are made in; 0 makes them in threads of this one.

    Raises:
        UserError: if something cannot be.
    """

    threads: int = 4
    ahead: int = 3
    together: int | None = None
    processes: int = 0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("threads", self.threads, 1),
            ("ahead", self.ahead, 1),
            ("processes", self.processes, 0),
        ):
            if value < least:
                raise UserError(f"{name} cannot be {value}: give a whole number from {least} on")

    def round(self, local: bool, lanes: int, mixing: Mixing, batch_size: int) -> int:
        """Batches that are read at once.

        Args:
            local: whether the dataset is in a folder.
            lanes: that they come from.
        """
        usual = batch_size if local else lanes * mixing.block * mixing.window
        return max((usual if self.together is None else self.together) // batch_size, 1)


@dataclass(frozen=True)
class Turn:
    """Which batches a consumer gets: those whose number is ``own`` when divided by ``of``.

    Attributes:
        own: from 0 on.
        of: consumers: processes x their workers.
    """

    own: int
    of: int

    def numbers(self, start: int, stop: int | None) -> Iterator[int]:
        """Its numbers from ``start`` to before ``stop``, without end if that is None."""
        number = start + (self.own - start) % self.of
        while stop is None or number < stop:
            yield number
            number += self.of

    def lanes(self, lanes: int) -> int:
        """How many lanes its batches come from."""
        return lanes // gcd(self.of, lanes)


@dataclass(frozen=True)
class _Read:
    batch: Batch
    facts: list[Facts | None]
    contents: list[Contents]


@dataclass(frozen=True)
class _Begun:
    read: _Read
    slots: Slots
    tasks: list[Future[str | None]]

    def reasons(self) -> list[str | None]:
        """Why each sample cannot be had, None if it can, once all are made."""
        return [task.result() for task in self.tasks]


@dataclass(frozen=True)
class Made:
    """A batch, as ``Stream`` gives it.

    Attributes:
        batch: its number, epoch, bucket and samples.
        slots: its arrays and texts.
        repeated: bool (batch,), samples that stand in for one that could not be had.
        skipped: why those of ``batch.samples`` could not be had -> how many.
    """

    batch: Batch
    slots: Slots
    repeated: np.ndarray
    skipped: Counter[str]


class Stream:
    """Makes the batches of one consumer.

    Args:
        dataset: open for reading.
        index: the samples of the run.
        order: of them.
        settings: of the run.
        layers: of the run.
        pace: how.
        turn: which batches.
    """

    def __init__(
        self, dataset: Dataset, index: Index, order: Order, settings: Settings, layers: Layers, pace: Pace, turn: Turn
    ) -> None:
        self._dataset, self._index, self._order = dataset, index, order
        self._sizes: Sequence[Size] = settings.buckets
        self._maker, self._layers, self._pace, self._turn = Maker(settings, layers), layers, pace, turn
        lanes, mixing = turn.lanes(order.mixing.lanes), order.mixing
        self._kept = lanes * (mixing.mix + 1) + 1
        self._round = pace.round(dataset.store.local, lanes, mixing, order.batch_size)

    def batches(self, start: int, stop: int | None = None) -> Iterator[Made]:
        """The consumer's batches from the run's batch ``start`` to before ``stop``, in order.

        Raises:
            DatasetError: if no sample of a batch can be had, nor of ``TRIES`` later ones, or the dataset cannot be read.
        """
        numbers = self._turn.numbers(start, stop)
        with (
            ThreadPoolExecutor(1, "reading") as reader,
            ThreadPoolExecutor(REQUESTS, "requests") as requests,
            ThreadPoolExecutor(self._pace.threads, "decoding") as decoders,
        ):
            reading = _Reading(self, Fetching(self._dataset, requests), self._kept)
            read = _Ahead(reader, reading, numbers, self._round)
            decoding: deque[_Begun] = deque()

            def again(batch: Batch) -> _Begun:
                return self._begin(reader.submit(reading.read, [batch]).result()[0], decoders)

            try:
                while self._top_up(decoding, read, decoders, wait=True):
                    first = decoding.popleft()
                    self._top_up(decoding, read, decoders, wait=False)
                    yield self._finished(first, again)
            finally:
                read.cancel()
                for begun in decoding:
                    for task in begun.tasks:
                        task.cancel()

    def _top_up(self, decoding: deque[_Begun], read: _Ahead, decoders: ThreadPoolExecutor, wait: bool) -> bool:
        """Begin further batches, as many as may be under way; whether there is any. Only for the first of them it may wait."""
        while len(decoding) < self._pace.ahead and (one := read.next(wait and not decoding)) is not None:
            decoding.append(self._begin(one, decoders))
        return bool(decoding)

    def _begin(self, read: _Read, decoders: ThreadPoolExecutor) -> _Begun:
        slots = Slots.empty(len(read.facts), self._sizes[read.batch.bucket], self._layers)
        tasks = [decoders.submit(self._fill, read, slots, place) for place in range(len(read.facts))]
        return _Begun(read, slots, tasks)

    def _fill(self, read: _Read, slots: Slots, place: int) -> str | None:
        """Make one sample; the reason if it cannot be had."""
        facts, contents = read.facts[place], read.contents[place]
        if facts is None:
            return contents.trouble or DAMAGED
        try:
            self._maker.fill(slots, place, facts, contents, read.batch.epoch, self._sizes[read.batch.bucket])
        except Unusable as error:
            return str(error)
        except Exception as error:  # whatever a decoder makes of damaged bytes: it costs one sample
            return f"failed with {one_line(error, 120)}"
        return None

    def _finished(self, begun: _Begun, again: Callable[[Batch], _Begun]) -> Made:
        """A batch, once all of its samples are made; with those of a later one if none of its own can be had.

        Args:
            again: reads and begins another.
        """
        batch, reasons = begun.read.batch, begun.reasons()
        skipped = Counter(reason for reason in reasons if reason is not None)
        is_own, tried = None in reasons, 0
        later = islice(self._order.following(batch.number), 0 if is_own else TRIES)
        while None not in reasons:
            other = next(later, None)
            if other is None:
                raise DatasetError(self._why_none(batch, skipped, tried))
            tried += 1
            begun = again(replace(other, number=batch.number, epoch=batch.epoch))
            reasons = begun.reasons()
        usable = [reason is None for reason in reasons]
        for place, good in stand_ins(usable).items():
            begun.slots.repeat(place, good)
        repeated = ~np.array(usable) if is_own else np.ones(len(usable), bool)
        return Made(batch, begun.slots, repeated, skipped)

    def _why_none(self, batch: Batch, skipped: Counter[str], tried: int) -> str:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
        return (
            f"{self._dataset.store.url}: no sample of batch {batch.number} can be had ({why}), nor of {tried} batches "
            "after it: run humanverse verify, or begin anew with a view without such samples"
        )


class _Reading:
    """What the reading thread does."""

    def __init__(self, stream: Stream, fetching: Fetching, kept: int) -> None:
        self._index, self._order, self._layers = stream._index, stream._order, stream._layers
        self._tables = Tables(stream._dataset, self._layers.read, kept)
        self._fetching = fetching

    def round(self, numbers: Sequence[int]) -> list[_Read]:
        """Read the batches of these numbers together."""
        return self.read([self._order.batch(number) for number in numbers])

    def read(self, batches: Sequence[Batch]) -> list[_Read]:
        """Read some batches together."""
        samples = np.concatenate([batch.samples for batch in batches])
        facts = self._tables.facts(*self._index.places(samples))
        contents = self._fetching.contents(facts, self._layers.members)
        self._tables.drop(self._fetching.moved)
        self._fetching.moved.clear()
        found, start = [], 0
        for batch in batches:
            stop = start + len(batch.samples)
            found.append(_Read(batch, facts[start:stop], contents[start:stop]))
            start = stop
        return found


class _Ahead:
    """Batches whose bytes are there, in order; ``_ROUNDS`` rounds are read before they are asked for.

    Args:
        reader: of one thread.
        reading: what it does.
        numbers: of the batches.
        together: batches in a round.
    """

    def __init__(self, reader: ThreadPoolExecutor, reading: _Reading, numbers: Iterator[int], together: int) -> None:
        self._reader, self._reading, self._numbers, self._together = reader, reading, numbers, together
        self._rounds: deque[Future[list[_Read]]] = deque()
        self._ready: deque[_Read] = deque()

    def next(self, wait: bool) -> _Read | None:
        """The next batch; None if there is none any more or, unless ``wait``, none yet."""
        while len(self._rounds) < _ROUNDS and (ahead := list(islice(self._numbers, self._together))):
            self._rounds.append(self._reader.submit(self._reading.round, ahead))
        if not self._ready and self._rounds and (wait or self._rounds[0].done()):
            self._ready.extend(self._rounds.popleft().result())
        return self._ready.popleft() if self._ready else None

    def cancel(self) -> None:
        """Read nothing further."""
        for waiting in self._rounds:
            waiting.cancel()


def as_tensors(made: Made) -> dict[str, Any]:
    """A batch as a trainer gets it: tensors that share their memory with ``made``, texts as lists."""
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in made.slots.arrays.items()}
    return {
        **tensors,
        "sizes": torch.from_numpy(made.slots.sizes),
        "repeated": torch.from_numpy(made.repeated),
        "captions": made.slots.captions,
        "caption_sources": made.slots.sources,
        "uids": made.slots.uids,
        "batch": made.batch.number,
        "epoch": made.batch.epoch,
        "skipped": dict(made.skipped),
    }
