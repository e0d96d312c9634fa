"""Batches: who goes with whom, what happens when memory runs out, crops of many pictures together."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.torch.batching import Batches, equal_shapes, flattened, regrouped


def test_only_equal_shapes_go_together_within_both_limits() -> None:
    shapes = [(3, 4, 6), (3, 6, 4), (3, 4, 6), (3, 4, 6), (3, 6, 4), (3, 4, 6)]
    assert list(equal_shapes(shapes, most=3, pixels=1000)) == [[0, 2, 3], [5], [1, 4]]
    assert list(equal_shapes(shapes, most=9, pixels=48)) == [[0, 2], [3, 5], [1, 4]]
    assert list(equal_shapes(shapes[:2], most=9, pixels=1)) == [[0], [1]]
    assert list(equal_shapes([], most=9, pixels=1)) == []


def inputs(count: int) -> list[np.ndarray]:
    """Of three shapes in turn; each is full of its own number."""
    return [np.full((1, 2 + index % 3, 2), index) for index in range(count)]


@pytest.mark.parametrize("fits", [1, 2, 3, 5, 100])
def test_answers_are_in_order_however_little_fits(fits: int) -> None:
    sizes: list[int] = []

    def forward(positions: list[int]) -> list[int]:
        if len(positions) > fits:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        sizes.append(len(positions))
        return [position * 10 for position in positions]

    batches = Batches(7, 10_000)
    assert batches.run(inputs(22), forward) == [index * 10 for index in range(22)]
    assert max(sizes) <= fits and sum(sizes) == 22
    assert batches.most == {1: 1, 2: 1, 3: 3, 5: 3, 100: 7}[fits]


def test_what_does_not_fit_alone_and_what_is_no_lack_of_memory_is_raised() -> None:
    tried: list[int] = []

    def fails(error: Exception) -> None:
        def forward(positions: list[int]) -> list[int]:
            tried.append(len(positions))
            raise error

        Batches(4, 1000).run(inputs(1) * 4, forward)

    with pytest.raises(RuntimeError, match="out of memory"):
        fails(RuntimeError("CUDA out of memory"))
    assert tried == [4, 2, 1]
    with pytest.raises(ValueError, match="shape"):
        fails(ValueError("shape"))
    assert tried == [4, 2, 1, 4]


def test_a_wrong_number_of_answers_is_found_out() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Batches(4, 1000).run(inputs(1) * 3, lambda positions: [0])


def test_crops_of_many_pictures_find_their_way_back() -> None:
    groups = [["a", "b"], [], ["c"]]
    items, lengths = flattened(groups)
    assert (items, lengths) == (["a", "b", "c"], [2, 0, 1])
    assert regrouped(items, lengths) == groups
    with pytest.raises(ValueError, match="2 items for groups of 3"):
        regrouped(items[:2], lengths)
