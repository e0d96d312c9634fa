"""An estimator's layer made by the real ``annotate`` on photographs, and what holds for every such layer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.codec import arrays
from humanverse.codec.maps import decode_depth, decode_normal, decode_segmentation
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from schemas.layers import KINDS
from tests.annotators.photographs import DATA, NOBODY, PERSON, SEVERAL, TEXT
from tests.pipelines.layers import tables
from tests.pipelines.photographs import store_small

PHOTOGRAPHS = (SEVERAL, "000000000785.jpg", NOBODY, TEXT, PERSON)
"""The first two have one size, and so go through a model together."""
_DECODED: dict[str, Callable[[bytes, Mapping[str, Any]], np.ndarray]] = {
    "depth": lambda png, row: decode_depth(png, row["scale"], row["offset"]),
    "normal": lambda png, row: decode_normal(png),
    "segmentation": lambda png, row: decode_segmentation(png),
    "latent": lambda npy, row: arrays.decode(npy).astype(np.float32),
}


@dataclass(frozen=True)
class Said:
    """A layer's row, its map if it has one, and the size of its picture (width, height)."""

    row: Mapping[str, Any]
    map: np.ndarray | None
    size: tuple[int, int]


def photographs_here() -> bool:
    return DATA.is_dir()


def place_of(folder: Path, names: Sequence[str] = PHOTOGRAPHS) -> Path:
    """A dataset of some photographs, made smaller, in shards of two, without any layer."""
    store_small(folder / "people", names, shard_size=2)
    return folder / "people"


def said(place: Path, layer: str) -> dict[str, Said]:
    """Every row of a layer by uid."""
    dataset, kind = Dataset(str(place)), layer.partition("/")[0]
    found: dict[str, Said] = {}
    for shard in dataset.shards():
        images = {row["uid"]: (row["width"], row["height"]) for row in dataset.images(shard).to_pylist()}
        for row in dataset.layer(layer, shard).to_pylist():
            png = dataset.map_png(layer, shard, row) if KINDS[kind].dense else None
            found[row["uid"]] = Said(row, _DECODED[kind](png, row) if png else None, images[row["uid"]])
    return found


def add(
    place: Path,
    kind: str,
    annotator: str,
    name: str,
    weights: Sequence[Path],
    **settings: Any,
) -> dict[str, Said]:
    """Add the layer ``kind``/``name`` in one process; all of its rows, which must be ``ok``."""
    asked = Asked(
        {kind: annotator},
        {kind: name},
        {kind: settings},
        weights=[(kind, str(path)) for path in weights],
    )
    result = annotate(str(place), asked, local=True)
    assert result.lost == {}, result.lost
    rows = said(place, f"{kind}/{name}")
    assert {one.row["status"] for one in rows.values()} == {"ok"}, [one.row["reason"] for one in rows.values()]
    return rows


def holds(
    folder: Path,
    kind: str,
    annotator: str,
    weights: Sequence[Path],
    names: Sequence[str] = PHOTOGRAPHS,
    needed: Callable[[Path], Any] = lambda place: None,
    **settings: Any,
) -> dict[str, Said]:
    """Make the layer in batches of 1 and of 8, and check what holds for any: its schema and all of ``verify``, that it goes on
    to the same bytes, and that the batch changes nothing.

    Args:
        names: of the photographs, ``PHOTOGRAPHS`` or the first of them.
        needed: adds to the dataset what the annotator needs.

    Returns:
        Its rows.
    """
    place = place_of(folder, names)
    needed(place)
    rows = add(place, kind, annotator, "one", weights, batch_size=1, **settings)
    dataset = Dataset(str(place))
    schema = dataset.layer(f"{kind}/one", 0).schema
    assert schema.remove_metadata() == KINDS[kind].schema and len(rows) == len(names)
    before = tables(place, f"{kind}/one")
    for path in (place / "layers" / kind / "one").glob("000001.*"):
        path.unlink()
    again = add(place, kind, annotator, "one", weights, batch_size=1, **settings)
    assert tables(place, f"{kind}/one") == before and again.keys() == rows.keys()
    alike(rows, add(place, kind, annotator, "eight", weights, batch_size=8, **settings))
    findings = [
        one
        for one in verify(Dataset(str(place))).findings
        if one.path.startswith((f"layers/{kind}/one/", f"layers/{kind}/eight/"))
    ]
    assert findings == [], findings
    shutil.rmtree(place)
    return rows


def alike(rows: Mapping[str, Said], others: Mapping[str, Said], within: float = 1e-4) -> None:
    """Both say the same: numbers to ``within`` of their range, maps to that and one level of their PNG."""
    assert rows.keys() == others.keys()
    for uid, one in rows.items():
        other = others[uid]
        _maps_alike(one, other, within)
        for column in one.row.keys() - {"map_offset", "map_size", "scale"}:
            _values_alike(column, one.row[column], other.row[column], within)


def _maps_alike(one: Said, other: Said, within: float) -> None:
    if one.map is None or other.map is None:
        assert one.map is other.map
        return
    if one.map.dtype == np.uint8:
        assert (one.map != other.map).mean() <= within
        return
    level = one.row.get("scale") or 2 / 255
    assert (np.isnan(one.map) == np.isnan(other.map)).all()
    if np.isnan(one.map).all():
        return
    spread = float(np.nanmax(one.map) - np.nanmin(one.map))
    np.testing.assert_allclose(one.map, other.map, rtol=0, atol=1.01 * level + within * spread)


def _values_alike(column: str, one: Any, other: Any, within: float) -> None:
    if isinstance(one, (float, list)) and one not in ([], None) and not isinstance(np.ravel(one)[0], str):
        np.testing.assert_allclose(
            np.array(one, float), np.array(other, float), rtol=within, atol=within, err_msg=column
        )
    else:
        assert one == other, column
