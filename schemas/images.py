"""Columns of ``images/<shard>.parquet``: one row per sample, in the order of the shard's tar."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("original_width", pa.int32(), nullable=False),
        pa.field("original_height", pa.int32(), nullable=False),
        pa.field("original_box", pa.list_(pa.float32(), 4), nullable=False),
        pa.field("original_format", pa.string(), nullable=False),
        pa.field("original_orientation", pa.int8(), nullable=False),
        pa.field("reencoded", pa.bool_(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("jpg_sha256", pa.string(), nullable=False),
        pa.field("phash", pa.uint64(), nullable=False),
        pa.field("jpg_offset", pa.int64(), nullable=False),
        pa.field("jpg_size", pa.int64(), nullable=False),
        pa.field("drifted", pa.bool_()),
    ]
)
"""``original_box`` is (x0, y0, x1, y1): the part of the upright original that the stored image shows, in the
original's pixels. It reaches outside the original where a border was added. A stored point (x, y) is the original's
(x0 + x (x1 - x0) / width, y0 + y (y1 - y0) / height)."""

JPEG = pa.field("jpeg", pa.large_binary())
"""The stored bytes, the last column of a shard's table on its way through a build; in the dataset they are in the tar."""

RESERVED = frozenset({*SCHEMA.names, JPEG.name})
"""Names that no column of the source has in our tables."""


def with_source_columns(extra: list[pa.Field]) -> pa.Schema:
    """The schema of a dataset whose source brings further columns; these follow ours, nullable, in source order."""
    return pa.schema([*SCHEMA, *(field.with_nullable(True) for field in extra)])
