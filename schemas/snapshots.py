"""Columns of ``snapshots/<n>.parquet``: the files that a run read, one row each."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("shard", pa.int64()),
        pa.field("samples", pa.int64()),
        pa.field("uids_sha256", pa.string()),
    ]
)
"""``sha256`` is null for a tar that was not read: tables have the hashes of its pictures. ``shard`` is null for files that are of
no shard; those come first, then shard after shard. ``samples`` and ``uids_sha256`` stand in the row of a shard's images table:
how many samples were served, and the SHA-256 of their uids, 16 bytes each, in order."""
