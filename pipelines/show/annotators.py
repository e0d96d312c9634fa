"""What can annotate here, and its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.show.table import line, size, table

if TYPE_CHECKING:
    from annotators.base import Card
    from annotators.weights import Listed


def card_json(card: Card, settings: Mapping[str, Any], missing: Sequence[str], here: str) -> dict[str, Any]:
    return {
        "kind": card.kind,
        "name": card.name,
        "version": card.version,
        "summary": card.summary,
        "model": card.model,
        "licence": card.licence,
        "source": card.source,
        "size": card.size,
        "speed": card.speed,
        "preset": card.preset,
        "here": here,
        "protocol": card.protocol,
        "output": card.output,
        "needs": list(card.needs),
        "settings": dict(settings),
        "weights": [{"spec": weight.spec, "sha256": weight.sha256} for weight in card.weights],
        "missing_packages": list(missing),
    }


def cards(found: Sequence[Mapping[str, Any]], in_full: bool) -> None:
    if in_full:
        for card in found:
            line("\n".join(f"{name}: {_plain(value)}" for name, value in card.items()) + "\n")
        return
    rows = [
        (
            f"{card['kind']}={card['name']}",
            card["summary"],
            card["preset"],
            card["licence"],
            size(card["size"]),
            card["source"],
            card["speed"],
            card["here"],
        )
        for card in found
    ]
    table("annotators", ("annotator", "what it does", "preset", "licence", "size", "source", "speed", "here"), rows)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {json.dumps(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(item["spec"] if isinstance(item, dict) else str(item) for item in value) or "none"
    return str(value)


def weight_json(item: Listed) -> dict[str, Any]:
    return {
        "spec": item.weight.spec,
        "sha256": item.weight.sha256,
        "size": item.weight.size,
        "path": item.path and str(item.path),
    }


def weights(found: Sequence[Mapping[str, Any]]) -> None:
    rows = [(item["spec"], size(item["size"] or 0), "here" if item["path"] else "not yet") for item in found]
    table("weights", ("weights", "size", ""), rows)
