"""Whether two datasets are identical, as the format means it: all bytes but times and how hard a row was to get."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from schemas.ledger import VOLATILE_COLUMNS


def contents(folder: Path) -> dict[str, object]:
    """Every file of a dataset by its path: bytes, or what of it must not differ between two builds."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _content(path: Path) -> object:
    if path.parent.name == "ledger":
        return pq.read_table(path).drop_columns(list(VOLATILE_COLUMNS)).to_pylist()
    if path.name == "layer.json":
        card = json.loads(path.read_text())
        return {key: value for key, value in card.items() if key != "time"}
    if path.name == "humanverse.json":
        return {key: value for key, value in json.loads(path.read_text()).items() if key != "id"}
    if path.name == "blocklists.json":
        return [{**item, "time": None} for item in json.loads(path.read_text())["history"]]
    return path.read_bytes()


def assert_identical(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert sorted(first) == sorted(second)
    different = [path for path in first if first[path] != second[path]]
    assert not different
