"""The fingerprint of a layer: what decides its rows, hashed. ``layer.json`` holds it beside the facts it was made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FINGERPRINTED = ("kind", "name", "version", "model", "weights", "settings", "needs")
"""Keys of ``layer.json`` that the fingerprint covers; licence, code version and time change no row."""


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the ``FINGERPRINTED`` entries of ``facts`` as JSON with sorted keys and no spaces.

    Raises:
        KeyError: if one is not there.
    """
    covered = {key: facts[key] for key in FINGERPRINTED}
    return hashlib.sha256(json.dumps(covered, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
