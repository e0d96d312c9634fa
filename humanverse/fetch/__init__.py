"""URLs to bytes: many at once, politely, only from safe places, with a reason for each that fails."""

from __future__ import annotations

from humanverse.fetch.request import Response
from humanverse.fetch.stream import fetch
from schemas.recipe import FetchSettings

__all__ = ["FetchSettings", "Response", "fetch"]
