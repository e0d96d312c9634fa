"""Block-lists: URLs, domains, bytes and pictures that must not get in."""

from __future__ import annotations

from humanverse.blocklists.matching import Blocklists
from humanverse.blocklists.reading import BlockList, read

__all__ = ["BlockList", "Blocklists", "read"]
