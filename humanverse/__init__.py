"""The library: fetch, codec, sources, dataset, report."""

from __future__ import annotations

__version__ = "0.1.0"
