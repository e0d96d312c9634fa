"""A shard as one row of one table, there and back."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from humanverse.dataset.shard import Shard
from pipelines.engine.block import SCHEMA, from_block, to_block
from pipelines.stages.base import Done
from tests.pipelines.engine.toys import Rows


def shard(rows: int, jpeg: bytes = b"jpeg") -> Shard:
    uids = [f"{number:032x}" for number in range(rows)]
    images = pa.table({"uid": uids, "jpeg": pa.array([jpeg] * rows, pa.large_binary())})
    maps = [None if number % 2 else b"png" for number in range(rows)]
    depth = pa.table({"uid": uids, "map": pa.array(maps, pa.large_binary())})
    return Shard(7, pa.table({"row": pa.array(range(rows), pa.int64())}), images, {"depth/none": depth})


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_shard_comes_back_as_it_was(rows: int) -> None:
    before, block = shard(rows), to_block(shard(rows))
    assert (block.num_rows, block.schema) == (1, SCHEMA)
    after = from_block(block)
    assert (after.number, list(after.layers)) == (7, ["depth/none"])
    assert after.ledger.equals(before.ledger)
    assert after.images.equals(before.images)
    assert after.layers["depth/none"].equals(before.layers["depth/none"])


@pytest.mark.parametrize("item", [Done(3, "why", fatal=True, counts={"kept": 2}), Rows(4, 40, 50)])
def test_what_is_not_a_shard_comes_back_too(item: object) -> None:
    assert from_block(to_block(item)) == item  # type: ignore[arg-type]


def test_big_buffers_are_not_copied_when_read() -> None:
    size = 60_000_000
    block = to_block(shard(2, b"x" * size))
    before = pa.total_allocated_bytes()
    images = from_block(block).images
    assert len(images.column("jpeg")[1].as_buffer()) == size
    assert pa.total_allocated_bytes() - before < size


def test_a_block_survives_the_way_to_another_process() -> None:
    block = pickle.loads(pickle.dumps(to_block(shard(3))))
    assert from_block(block).images.equals(shard(3).images)


def test_one_of_several_blocks_joined_can_be_cut_out_again() -> None:
    joined = pa.concat_tables([to_block(Done(1)), to_block(shard(2)), to_block(Done(3))]).combine_chunks()
    assert from_block(joined.slice(0, 1)) == Done(1)
    assert from_block(joined.slice(1, 1)).images.equals(shard(2).images)
    assert from_block(joined.slice(2, 1)) == Done(3)


@pytest.mark.parametrize("count", [0, 2])
def test_a_block_that_is_not_one_shard_is_refused(count: int) -> None:
    block = pa.concat_tables([SCHEMA.empty_table(), *[to_block(Done(number)) for number in range(count)]])
    with pytest.raises(ValueError, match=f"holds {count} shards"):
        from_block(block)
