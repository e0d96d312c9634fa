"""Sources: from the user's list (URL tables, or pictures that are already there) to shards of rows."""

from __future__ import annotations

from humanverse.sources.base import Payload, ShardRows, Source
from humanverse.sources.opening import open_source

__all__ = ["Payload", "ShardRows", "Source", "open_source"]
