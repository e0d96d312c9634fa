"""Which samples are in which batch: a calculation, not a replay.

The batches of a run are numbered from 0 on, over all epochs; ``Order.batch`` gives the samples of any. An epoch is made so:

1. The shards are shuffled and dealt to ``lanes``. A lane goes through its shards in groups of ``mix``.
2. A group is cut into blocks of ``block`` neighbouring samples. Its blocks are shuffled; then the samples of every ``window`` of
   them, one window after the other, are shuffled among themselves.
3. A lane's samples wait, each with others of its bucket, until they are ``batch_size``: that is a batch.
4. The lanes give their batches in turn. What waits at the end of all lanes makes the last batches; fewer than ``batch_size``
   samples of each bucket are left over, others in every epoch.

An epoch has the same number of batches each time, the sum over buckets of samples // ``batch_size``. Of all this nothing is
kept but the number of samples of every group in every bucket; a group's order is calculated when one of its batches is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from humanverse.errors import UserError
from humanverse.loading.index import Index
from humanverse.loading.scatter import salt, scatter, shuffled
from humanverse.plurals import plural


@dataclass(frozen=True)
class Mixing:
    """How well samples are mixed, against how well reading goes: docs/loading.md has the figures.

    Attributes:
        lanes: streams that are read side by side. Best a multiple of processes x workers, and the same for the whole run.
        mix: shards that a lane reads from at a time.
        block: neighbouring samples that are read together.
        window: blocks whose samples are shuffled with each other.
    """

    lanes: int = 8
    mix: int = 4
    block: int = 8
    window: int = 16

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or value < 1:
                raise UserError(f"{name} cannot be {value!r}: give a whole number from 1 on")


class TooFewSamples(UserError):
    """No bucket has as many samples as a batch.

    Attributes:
        most: that a bucket has.
    """

    def __init__(self, batch_size: int, most: int) -> None:
        super().__init__(
            f"no bucket has {plural(batch_size, 'sample')} for a batch, the largest has {most}: make batches smaller"
        )
        self.most = most


@dataclass(frozen=True)
class Batch:
    """What is in a batch.

    Attributes:
        number: in the run.
        epoch: from 0 on.
        bucket: of all its samples.
        samples: int64 (batch_size,), positions in the index.
    """

    number: int
    epoch: int
    bucket: int
    samples: np.ndarray


class Order:
    """The batches of a run.

    Args:
        index: its samples.
        seed: of the run.
        batch_size: samples in a batch.
        mixing: how they are mixed.

    Raises:
        TooFewSamples: if there is no batch.
    """

    def __init__(self, index: Index, seed: int, batch_size: int, mixing: Mixing | None = None) -> None:
        self.index, self.seed, self.batch_size = index, seed, batch_size
        self.mixing = mixing or Mixing()
        totals = index.counts.sum(axis=0)
        self.batches = int((totals // batch_size).sum())
        if not self.batches:
            raise TooFewSamples(batch_size, int(totals.max()))
        self._epoch = lru_cache(2)(self._made)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self.batches

    def batch(self, number: int) -> Batch:
        """The batch ``number`` of the run, from 0 on."""
        epoch, place = divmod(number, self.batches)
        bucket, samples = self._epoch(epoch).batch(place)
        return Batch(number, epoch, bucket, samples)

    def following(self, number: int) -> Iterator[Batch]:
        """The batches after ``number`` that are of its bucket, as far as two epochs' length: at least one."""
        bucket = self.batch(number).bucket
        later = (self.batch(other) for other in range(number + 1, number + 1 + 2 * self.batches))
        return (batch for batch in later if batch.bucket == bucket)

    def _made(self, epoch: int) -> Epoch:
        return Epoch(self.index, salt("order", self.seed, epoch), self.batch_size, self.mixing)


class Epoch:
    """The batches of one epoch.

    Args:
        salted: what its shuffling depends on.
    """

    def __init__(self, index: Index, salted: int, batch_size: int, mixing: Mixing) -> None:
        self._index, self._salt, self._size, self._mixing = index, salted, batch_size, mixing
        self._shards = shuffled(np.arange(len(index.shards)), salted)
        lanes = min(mixing.lanes, len(self._shards))
        self._lanes = [self._groups(self._shards[lane::lanes]) for lane in range(lanes)]
        self._before = [self._counted(groups) for groups in self._lanes]
        self._done = [(before // batch_size).sum(axis=1) for before in self._before]
        self._ends = np.array([done[-1] for done in self._done])
        self._tail = self._left_over()
        self._sequence = lru_cache(2 * lanes + 2)(self._shuffled_group)
        self._finished = lru_cache(2 * lanes + 2)(self._finishing)

    def _groups(self, shards: np.ndarray) -> list[np.ndarray]:
        return [shards[start : start + self._mixing.mix] for start in range(0, len(shards), self._mixing.mix)]

    def _counted(self, groups: list[np.ndarray]) -> np.ndarray:
        """int64 (groups + 1, buckets): a lane's samples in each bucket before each group, and in all."""
        counts = np.array([self._index.counts[group].sum(axis=0) for group in groups])
        return np.concatenate([np.zeros_like(counts[:1]), np.cumsum(counts, axis=0)])

    def batch(self, place: int) -> tuple[int, np.ndarray]:
        """Bucket and samples of the batch at ``place`` of the epoch."""
        in_turn = int(self._ends.sum())
        if place >= in_turn:
            return self._last(place - in_turn)
        lane, number = self._turn(place)
        group = int(np.searchsorted(self._done[lane], number, side="right")) - 1
        bucket, first = self._finished(lane, group)[number - int(self._done[lane][group])]
        return int(bucket), self._of_bucket(lane, int(bucket), int(first), int(first) + self._size)

    def _turn(self, place: int) -> tuple[int, int]:
        """Lane, and number among the lane's own batches, of a batch at ``place`` of the lanes' turns."""
        low, high = 0, int(self._ends.max())
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if np.minimum(self._ends, middle).sum() <= place else (low, middle)
        going = np.flatnonzero(self._ends > low)
        return int(going[place - int(np.minimum(self._ends, low).sum())]), low

    def _shuffled_group(self, lane: int, group: int) -> np.ndarray:
        """The samples of a group in their order."""
        shards = self._lanes[lane][group]
        starts, ends = self._index.starts[shards], self._index.starts[shards + 1]
        blocks = [
            sample for start, end in zip(starts, ends, strict=True) for sample in self._blocks(int(start), int(end))
        ]
        order = np.argsort(scatter(np.array([block[0] for block in blocks]), self._salt ^ 1), kind="stable")
        width = self._mixing.window
        windows = (np.concatenate([blocks[at] for at in order[i : i + width]]) for i in range(0, len(order), width))
        return np.concatenate([shuffled(window, self._salt ^ 2) for window in windows])

    def _blocks(self, start: int, end: int) -> Iterator[np.ndarray]:
        for first in range(start, end, self._mixing.block):
            yield np.arange(first, min(first + self._mixing.block, end))

    def _finishing(self, lane: int, group: int) -> np.ndarray:
        """int64 (batches, 2): the batches that get their last sample in a group, in that order: bucket, and where the batch
        begins among the lane's samples of it."""
        own = self._index.buckets[self._sequence(lane, group)]
        found = []
        for bucket, before in enumerate(self._before[lane][group]):
            places = np.flatnonzero(own == bucket)
            last = np.arange(self._size - 1 - before % self._size, len(places), self._size)
            found.append(np.stack([places[last], np.full(len(last), bucket), before + last - self._size + 1], axis=1))
        batches = np.concatenate(found)
        return batches[np.argsort(batches[:, 0])][:, 1:]

    def _of_bucket(self, lane: int, bucket: int, first: int, stop: int) -> np.ndarray:
        """A lane's samples of a bucket, from ``first`` to before ``stop`` among these."""
        before = self._before[lane][:, bucket]
        group = int(np.searchsorted(before, first, side="right")) - 1
        parts = []
        while first < stop:
            samples = self._sequence(lane, group)
            own = samples[self._index.buckets[samples] == bucket]
            part = own[first - before[group] : stop - before[group]]
            parts.append(part)
            first, group = first + len(part), group + 1
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _left_over(self) -> np.ndarray:
        """int64 (buckets, lanes + 1): how many samples of the lanes before each wait at the end, and of all lanes."""
        waiting = np.array([before[-1] % self._size for before in self._before]).T
        return np.concatenate([np.zeros_like(waiting[:, :1]), np.cumsum(waiting, axis=1)], axis=1)

    def _last(self, place: int) -> tuple[int, np.ndarray]:
        """Bucket and samples of a batch of those that wait at the end, bucket after bucket."""
        batches = np.concatenate([[0], np.cumsum(self._tail[:, -1] // self._size)])
        bucket = int(np.searchsorted(batches, place, side="right")) - 1
        first = (place - int(batches[bucket])) * self._size
        found = []
        for lane, (start, end) in enumerate(zip(self._tail[bucket, :-1], self._tail[bucket, 1:], strict=True)):
            low, high = max(first, int(start)), min(first + self._size, int(end))
            if low < high:
                waits_from = int(self._before[lane][-1, bucket]) // self._size * self._size - int(start)
                found.append(self._of_bucket(lane, bucket, waits_from + low, waits_from + high))
        return bucket, np.concatenate(found)
