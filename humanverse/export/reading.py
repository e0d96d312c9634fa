"""What an export reads of a dataset, shard by shard: rows alone, or whole samples, with faces blurred if that is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.codec import decode_rgb, encode_jpeg
from humanverse.codec.blur import blur
from humanverse.codec.phash import phash
from humanverse.dataset.generations import Removed
from humanverse.dataset.sample import rows
from humanverse.dataset.selection import Part
from humanverse.errors import DatasetError
from humanverse.export.base import LISTING, Item, Plan, Written
from humanverse.faces import SEEN, faces
from schemas.layers import KINDS, OK

BLUR_READS = ("person", "pose")
"""Kinds of layers that tell where faces are."""


def identities(plan: Plan, shard: int) -> pa.Table:
    """``uid``, ``row`` and ``jpg_sha256`` of a shard's samples that the view has, in order."""
    return plan.selection.read(shard, ["row", "jpg_sha256"]).images


def decides(plan: Plan, name: str, version: int) -> str:
    """All but samples that decides what is in the files, hashed: format, layers' fingerprints, settings."""
    facts = {
        "format": name,
        "version": version,
        "layers": {kind: [layer, plan.cards[kind].get("fingerprint")] for kind, layer in sorted(plan.layers.items())},
        "settings": plan.settings.as_json(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest(decided: str, found: pa.Table) -> str:
    """SHA-256 over what decides what an export has of a shard.

    Args:
        decided: as ``decides`` gives it.
        found: as ``identities`` gives it.
    """
    hashed = hashlib.sha256(decided.encode())
    for name in ("uid", "row", "jpg_sha256"):
        hashed.update("\n".join(map(str, found.column(name).to_pylist())).encode() + b"\n\n")
    return hashed.hexdigest()


def said(plan: Plan, shard: int) -> Iterator[Item]:
    """The samples of a shard without pictures and maps, in order. Those of unknown faces are there, too."""
    return _items(plan, plan.selection.read(shard))


def _items(plan: Plan, part: Part) -> Iterator[Item]:
    tables = [rows(part.layer(name)) for name in plan.layers.values()]
    for columns, *told in zip(rows(part.images), *tables, strict=True):
        yield Item(columns["uid"], part.shard, columns, dict(zip(plan.layers, told, strict=True)), b"")


def whole(plan: Plan, shard: int) -> Iterator[Item | None]:
    """The samples of a shard with pictures and maps, in order; None for one that must be left out.

    What was removed from the dataset since its tables were read is passed over.
    """
    part = plan.selection.read(shard)
    for item, jpeg in zip(_items(plan, part), plan.dataset.jpegs(shard, part.images), strict=True):
        if jpeg is None or item.uid in plan.dataset.tombstones:
            continue
        try:
            maps = _maps(plan, item)
        except Removed:
            continue
        made = unrecognisable(plan, item, jpeg)
        yield None if made is None else replace(made, maps=maps)


def _maps(plan: Plan, item: Item) -> dict[str, bytes]:
    """Its dense maps by kind, where it has one."""
    names = {kind: plan.layers[kind] for kind in plan.kinds if KINDS[kind].dense}
    found = {kind: plan.dataset.map_png(name, item.shard, item.layers[kind]) for kind, name in names.items()}
    return {kind: png for kind, png in found.items() if png is not None}


def unrecognisable(plan: Plan, item: Item, jpeg: bytes) -> Item | None:
    """``item`` with its picture ``jpeg``, faces blurred if that is asked for; None if nothing is known of its faces."""
    if not plan.settings.blur_faces:
        return replace(item, jpeg=jpeg)
    regions = faces(item.layers.get("person"), item.layers.get("pose"), _seen(plan.cards.get("pose", {})))
    if regions is None:
        return None
    if not regions:
        return replace(item, jpeg=jpeg)
    try:
        pixels = decode_rgb(jpeg)
    except ValueError as error:
        raise DatasetError(f"{plan.dataset.store.url}: {item.uid} cannot be decoded: run humanverse verify") from error
    return replace(item, jpeg=encode_jpeg(blur(pixels, regions), plan.dataset.recipe.image.quality))


def as_exported(plan: Plan, item: Item) -> Mapping[str, Any]:
    """The images columns of an item, true of its picture as it is exported; without the dataset's places."""
    columns = {name: item.columns[name] for name in plan.columns.names}
    digest_now = hashlib.sha256(item.jpeg).hexdigest()
    if digest_now != columns["jpg_sha256"]:
        columns |= {"jpg_sha256": digest_now, "phash": phash(decode_rgb(item.jpeg)), "reencoded": True}
    return columns


def has_known_faces(plan: Plan, item: Item) -> bool:
    """Whether ``item`` is exported: always, unless faces are to be blurred and nothing is known of them."""
    if not plan.settings.blur_faces:
        return True
    return any(item.layers[kind]["status"] == OK for kind in BLUR_READS if kind in item.layers)


def kept(plan: Plan, shard: int, file: str) -> Written:
    """What an export whose shards are files has of a shard that it has not written again; reads a few columns."""
    part = plan.selection.read(shard, ["row", "jpg_sha256"])
    count = part.images.num_rows
    known = np.ones(count, bool)
    if plan.settings.blur_faces:
        layers = [part.layer(plan.layers[kind], ["status"]) for kind in BLUR_READS if kind in plan.layers]
        known = np.logical_or.reduce([pc.equal(table.column("status"), OK).to_numpy() for table in layers])
    found = part.images.filter(pa.array(known))
    told = {"shard": [shard] * found.num_rows, "file": [file] * found.num_rows}
    columns = [told[item.name] if item.name in told else found.column(item.name) for item in LISTING]
    return Written(shard, pa.table(columns, schema=LISTING), count - found.num_rows)


def _seen(card: Mapping[str, Any]) -> float:
    """The confidence from which a keypoint counts as seen, on the pose layer's own scale."""
    match card.get("score_range"):
        case [int() | float() as low, int() | float() as high]:
            return float(low) + SEEN * (float(high) - float(low))
    return SEEN
