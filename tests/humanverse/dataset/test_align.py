"""A layer's rows stand beside the samples that they are of, also when the shard is rewritten between the two."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset.align import aligned
from humanverse.dataset.tombstones import Tombstones, write
from humanverse.errors import DatasetError
from pipelines.compact import compact
from tests.datasets import make_dataset

LAYER = pa.table(
    {"uid": ["a", "b", "c", "d"], "status": ["ok"] * 4, "reason": pa.nulls(4, pa.string()), "n": [1, 2, 3, 4]}
)


def uids(text: str) -> pa.ChunkedArray:
    return pa.chunked_array([list(text)], pa.string())


def of(text: str, wanted: str, dead: str = "") -> list[tuple[str, str, int | None]] | None:
    found = aligned(LAYER.filter(pa.array([uid in text for uid in "abcd"])), uids(wanted), lambda: set(dead))
    return None if found is None else [(row["uid"], row["status"], row["n"]) for row in found.to_pylist()]


def test_further_samples_are_left_out() -> None:
    assert of("abcd", "bd") == [("b", "ok", 2), ("d", "ok", 4)]


def test_what_was_forgotten_and_removed_says_so() -> None:
    assert of("bd", "abcd", dead="acx") == [
        ("a", "unavailable", None),
        ("b", "ok", 2),
        ("c", "unavailable", None),
        ("d", "ok", 4),
    ]
    assert of("", "a", dead="a") == [("a", "unavailable", None)]


@pytest.mark.parametrize(("text", "wanted", "dead"), [("abd", "abcd", ""), ("ad", "abcd", "b"), ("abcd", "ba", "ab")])
def test_other_samples_or_another_order_are_refused(text: str, wanted: str, dead: str) -> None:
    assert of(text, wanted, dead) is None


def test_a_shard_that_is_rewritten_between_its_tables(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    dataset = humanverse.open(str(tmp_path / "d"))
    part = dataset.select(None).read(0)
    first = part.images.column("uid")[0].as_py()
    write(dataset.store, Tombstones(frozenset([first])), "asked to")
    compact(str(tmp_path / "d"))
    table = part.layer("pose")
    assert table.column("uid").equals(part.images.column("uid"))
    assert table.column("status").to_pylist() == ["unavailable", "ok", "ok"]
    assert part.layer("depth", ["unit"]).column("unit").to_pylist() == [None, "m", "m"]
    (tmp_path / "d/layers/pose/test/000000.g1.parquet").write_bytes(
        (tmp_path / "d/layers/person/test/000000.g1.parquet").read_bytes()[:50]
    )
    with pytest.raises(DatasetError, match="is damaged"):
        part.layer("pose")
