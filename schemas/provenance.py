"""The fingerprint of a layer: what decides its rows, hashed. ``layer.json`` holds it beside the facts it was made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FINGERPRINTED = ("kind", "name", "version", "model", "weights", "settings", "needs")
"""Keys of ``layer.json`` that the fingerprint covers; licence, code version and time change no row."""
WHERE_THERE = ("outpaint",)
"""Keys that it covers too, of a layer that has them."""
DECIDING = (*FINGERPRINTED, *WHERE_THERE)


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the ``DECIDING`` entries of ``facts`` as JSON with sorted keys and no spaces.

    Raises:
        KeyError: if one of ``FINGERPRINTED`` is not there.
    """
    covered = {key: facts[key] for key in FINGERPRINTED} | {key: facts[key] for key in WHERE_THERE if key in facts}
    return hashlib.sha256(json.dumps(covered, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
