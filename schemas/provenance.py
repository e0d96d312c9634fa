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


def model_of(card: Mapping[str, Any]) -> str:
    """Which model made a layer, as pages tell it: ``model`` of its ``layer.json``, and whether its weights are the user's own.

    Returns:
        Empty if the card does not say it.
    """
    model = str(card.get("model") or "")
    return f"{model}, with weights of the user's own" if model and card.get("own_weights") else model
