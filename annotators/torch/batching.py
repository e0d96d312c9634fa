"""Batches for models: equal shapes together, a bounded number of items and pixels, halved when memory runs out.

Inputs of different shapes are never padded to a common one, since padding changes what many models say (YOLOS has no mask for
it); they go into different batches. So a row depends on its batch by rounding alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from annotators.run import is_out_of_memory

T = TypeVar("T")


def equal_shapes(shapes: Sequence[tuple[int, ...]], most: int, pixels: int) -> Iterator[list[int]]:
    """Positions of inputs that go through the model together.

    Args:
        shapes: of each input, height and width last.
        most: inputs in a batch.
        pixels: height x width of all inputs of a batch together; a single larger input is a batch of its own.

    Yields:
        Positions, rising within a batch; each input is in one batch.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for position, shape in enumerate(shapes):
        alike.setdefault(tuple(shape), []).append(position)
    for shape, positions in alike.items():
        size = max(1, min(most, pixels // max(1, shape[-2] * shape[-1])))
        for start in range(0, len(positions), size):
            yield positions[start : start + size]


class Batches:
    """Takes inputs through a model, and remembers the batch size that has worked so far.

    Args:
        most: inputs in a batch.
        pixels: of all inputs of a batch together.
    """

    def __init__(self, most: int, pixels: int) -> None:
        self.most, self.pixels = most, pixels

    def run(self, inputs: Sequence[Any], forward: Callable[[list[int]], Sequence[T]]) -> list[T]:
        """What the model says of each input, in order.

        Args:
            inputs: tensors (..., height, width).
            forward: answers for the inputs at some positions, which have one shape; one answer each.

        Raises:
            Exception: whatever ``forward`` raises; out of memory only for a single input.
        """
        answers: dict[int, T] = {}
        for positions in equal_shapes([tuple(item.shape) for item in inputs], self.most, self.pixels):
            answers.update(zip(positions, self._halving(positions, forward), strict=True))
        return [answers[position] for position in range(len(inputs))]

    def _halving(self, positions: list[int], forward: Callable[[list[int]], Sequence[T]]) -> list[T]:
        if len(positions) <= self.most:
            try:
                return list(forward(positions))
            except Exception as error:
                if len(positions) == 1 or not is_out_of_memory(error):
                    raise
            self.most = len(positions) // 2
            _free()
        size = self.most
        parts = (positions[start : start + size] for start in range(0, len(positions), size))
        return [answer for part in parts for answer in self._halving(part, forward)]


def _free() -> None:
    """Give cached GPU memory back, so that a smaller batch finds it whole; where torch is not in use there is none."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def flattened(groups: Sequence[Sequence[T]]) -> tuple[list[T], list[int]]:
    """All items of ``groups`` in one list, and the length of each group: the crops of many pictures as one batch."""
    return [item for group in groups for item in group], [len(group) for group in groups]


def regrouped(items: Sequence[T], lengths: Sequence[int]) -> list[list[T]]:
    """The way back from ``flattened``.

    Raises:
        ValueError: if there are more or fewer items than ``lengths`` say.
    """
    if len(items) != sum(lengths):
        raise ValueError(f"{len(items)} items for groups of {sum(lengths)} in all")
    rest = iter(items)
    return [[next(rest) for _ in range(length)] for length in lengths]
