from __future__ import annotations

import pytest

from humanverse.dataset.extent import Extent


@pytest.mark.parametrize(
    ("rows", "size", "shards"),
    [
        (0, 5, []),
        (1, 5, [range(1)]),
        (10, 5, [range(5), range(5, 10)]),
        (11, 5, [range(5), range(5, 10), range(10, 11)]),
    ],
)
def test_the_last_shard_may_be_shorter(rows: int, size: int, shards: list[range]) -> None:
    extent = Extent.of({"rows": rows, "shard_size": size, "kind": "table"})
    assert [extent.rows_of(number) for number in range(extent.shards)] == shards
