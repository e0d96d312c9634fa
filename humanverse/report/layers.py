"""What the report says about each layer: what made it, how its rows ended, and why some say nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from humanverse.dataset import layout
from humanverse.dataset.reader import Dataset
from humanverse.report.wording import clean, time
from schemas.layers import KINDS, OK, ROW_STATUSES
from schemas.provenance import model_of

REASONS_SHOWN = 3
REASONS_COUNTED = 1000
"""Distinct reasons that are told apart per layer, so that memory stays bounded; further ones are counted together."""
OTHER = "other reasons"


@dataclass(frozen=True)
class LayerFacts:
    """One layer, as the report shows it.

    Attributes:
        layer: ``<kind>/<name>``.
        model: which published model.
        licence: of the weights.
        weights: (where from, SHA-256).
        fingerprint: in full.
        made: when, and by which version.
        shards: committed.
        statuses: rows by status, in the order of ``schemas.layers.ROW_STATUSES``.
        reasons: (status, reason, rows) of rows that are not ok, most frequent first.
    """

    layer: str
    model: str
    licence: str
    weights: tuple[tuple[str, str], ...]
    fingerprint: str
    made: str
    shards: int
    statuses: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, str, int], ...]


def unknown(dataset: Dataset) -> list[str]:
    """Folders among the layers whose kind this version does not know."""
    return [clean(name) for name in dataset.store.names(layout.LAYERS) if name not in KINDS]


def _reasons(dataset: Dataset, layer: str, shards: Iterable[int]) -> tuple[tuple[str, str, int], ...]:
    counted: Counter[tuple[str, str]] = Counter()
    for shard in shards:
        table = dataset.layer(layer, shard).select(["status", "reason"])
        for status, reason in zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True):
            if status != OK:
                key = status, clean(reason or "no reason given")
                counted[key if key in counted or len(counted) < REASONS_COUNTED else (status, OTHER)] += 1
    most = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN]
    return tuple((status, reason, rows) for (status, reason), rows in most)


def facts(dataset: Dataset, layer: str, statuses: Mapping[str, int]) -> LayerFacts:
    """What is known about ``layer``.

    Args:
        statuses: its rows by status; the layer is read only if some are not ok.
    """
    card = dataset.layer_card(layer)
    shards = dataset.layer_shards(layer) & frozenset(dataset.shards())
    not_ok = any(rows for status, rows in statuses.items() if status != OK)
    weights = card.get("weights")
    return LayerFacts(
        layer=layer,
        model=clean(model_of(card) or "not stated"),
        licence=clean(card.get("licence") or "not stated"),
        weights=tuple((clean(spec), clean(sha)) for spec, sha in weights.items()) if isinstance(weights, dict) else (),
        fingerprint=clean(card.get("fingerprint") or ""),
        made=f"{time(card.get('time', 'time not stated'))}, {clean(card.get('code', 'version not stated'))}",
        shards=len(shards),
        statuses=tuple((status, statuses.get(status, 0)) for status in ROW_STATUSES),
        reasons=_reasons(dataset, layer, sorted(shards)) if not_ok else (),
    )
