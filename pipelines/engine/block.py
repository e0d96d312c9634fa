"""What travels between the stages on Ray: one shard as one row of one Arrow table, so that a block is a shard and stays one."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.dataset.shard import Shard
from pipelines.stages.base import Done, Item

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("names", pa.list_(pa.string())),
        pa.field("buffers", pa.large_list(pa.large_binary())),
    ]
)
_PICKLED = "pickled"


def to_block(item: Item | Done) -> pa.Table:
    """``item`` as a table of one row. A Shard's tables are copied once; the small others are pickled."""
    buffers = item.pack() if isinstance(item, Shard) else {_PICKLED: pickle.dumps(item)}
    offsets = np.cumsum([0, *(len(buffer) for buffer in buffers.values())], dtype=np.int64)
    joined = b"".join(memoryview(buffer) for buffer in buffers.values())
    cells = pa.Array.from_buffers(pa.large_binary(), len(buffers), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])
    columns = [
        pa.array([item.number], pa.int64()),
        pa.array([list(buffers)], pa.list_(pa.string())),
        pa.LargeListArray.from_arrays(pa.array([0, len(buffers)], pa.int64()), cells),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def from_block(block: pa.Table) -> Any:
    """The item in a block; a Shard's tables refer to the block's memory.

    Raises:
        ValueError: if the engine has cut or joined blocks, which must not happen.
    """
    if block.num_rows != 1:
        raise ValueError(f"a block holds {block.num_rows} shards, not 1")
    names = block.column("names")[0].as_py()
    cells = block.column("buffers")[0].values
    buffers = {name: cells[index].as_buffer() for index, name in enumerate(names)}
    if _PICKLED in buffers:
        return pickle.loads(buffers[_PICKLED])
    return Shard.unpack(block.column("number")[0].as_py(), buffers)
