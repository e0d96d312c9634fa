"""Tombstones: what must never be served again, and never be taken in again."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("uid", pa.string()),
        pa.field("url_key", pa.uint64()),
        pa.field("reason", pa.string()),
        pa.field("time", pa.string()),
    ]
)
"""A row is about a sample (``uid``) or about a URL (``url_key``, ``humanverse.blocklists.keys.of_source``), the other is null;
then why, in the words of whoever asked for it, and when (UTC, ISO 8601)."""
