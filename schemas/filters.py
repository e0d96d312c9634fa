"""Columns of ``filters/<name>/<n>/<shard>.parquet``: one row per sample that the filter leaves out, ascending by ``row``."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("uid", pa.string(), nullable=False),
        pa.field("of_shard", pa.int64(), nullable=False),
        pa.field("of_row", pa.int64(), nullable=False),
        pa.field("of_uid", pa.string(), nullable=False),
        pa.field("distance", pa.uint8(), nullable=False),
    ]
)
"""``of_*`` is the sample that stays and that this one is alike to; ``distance`` the bits in which their ``phash`` differ.
A source row is one sample at the most, so that ``row`` tells samples apart also where two shards hold the same ``uid``."""
