"""Distributions of what a dataset holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset import layout, stats
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from pipelines.view import make
from tests.datasets import HEIGHT, WIDTH, make_dataset


def test_numbers_and_counts_of_a_small_dataset(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3, unavailable={"depth": "no estimator"})
    found = json.loads(json.dumps(stats.stats(humanverse.open(str(tmp_path / "d")))))
    numbers, counts = found["numbers"], found["counts"]
    assert numbers["image.width"] == {
        "count": 6,
        **dict.fromkeys(("mean", "min", "p5", "p50", "p95", "max"), WIDTH),
    }
    assert numbers["image.megapixels"]["mean"] == pytest.approx(WIDTH * HEIGHT / 1e6, abs=1e-4)
    assert (numbers["person/test.boxes"]["mean"], numbers["person/test.score"]["count"]) == (2, 12)
    assert (numbers["person/test.score"]["min"], numbers["person/test.score"]["max"]) == (0.25, 0.95)
    assert numbers["pose/test.body_seen"]["mean"] == 1
    assert numbers["pose/test.right_hand_seen"]["mean"] == 0
    assert not any(name.startswith("depth/") for name in numbers)
    assert counts["image.original_format"] == {"jpeg": 6}
    assert counts["depth/test.status"] == {"unavailable": 6}
    assert counts["pose/test.status"] == {"ok": 6}


def test_drift_is_counted_over_all_rows_that_could_be_compared(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=2, per_shard=3)
    assert "ledger.source_hash" not in stats.stats(humanverse.open(store.url))["counts"]
    table = parquet_table(store.read(layout.ledger(1)))
    said = pa.array([False, True, False, None, True, None])
    table = table.set_column(table.schema.get_field_index("drifted"), "drifted", said)
    store.write(layout.ledger(1), parquet_bytes(table))
    counts = stats.stats(humanverse.open(store.url))["counts"]
    assert counts["ledger.source_hash"] == {"as listed": 2, "drifted": 2}


def test_a_part_that_nobody_looked_for_has_no_figure() -> None:
    row = {"keypoints": [[0.0, 0.0, 0.9] * 133], "present": [[True] * 17 + [False] * 116]}
    assert dict(stats.figures("pose", row)) == {"body_seen": 1.0}


def test_kinds_without_a_view_give_their_plain_numbers() -> None:
    row = {
        "uid": "x",
        "status": "ok",
        "map_offset": 3,
        "scale": 0.5,
        "has": True,
        "boxes": [1.0],
        "none": None,
    }
    assert dict(stats.figures("thing", row)) == {"scale": 0.5, "has": 1.0}


def test_an_empty_dataset_has_no_figures(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=0, planned_shards=1)
    assert stats.stats(humanverse.open(str(tmp_path / "d"))) == {"numbers": {}, "counts": {}}


def test_a_layer_that_lacks_shards_counts_what_it_has(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3)
    (tmp_path / "d/layers/pose/test/000001.parquet").unlink()
    assert stats.stats(humanverse.open(str(tmp_path / "d")))["counts"]["pose/test.status"] == {"ok": 3}


def test_quantiles_are_exact_up_to_the_reservoir_and_near_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).permutation(4000)
    exact, sampled = stats.Series(), stats.Series()
    for value in values:
        exact.add(float(value))
    assert exact.summary() == {
        "count": 4000, "mean": 1999.5, "min": 0, "p5": 199.95, "p50": 1999.5, "p95": 3799.05, "max": 3999
    }  # fmt: skip
    monkeypatch.setattr(stats, "RESERVOIR", 500)
    for value in values:
        sampled.add(float(value))
    assert len(sampled.values()) == 500
    assert sampled.summary()["mean"] == 1999.5
    assert abs(sampled.summary()["p50"] - 1999.5) < 400


def test_no_values_are_a_count_of_zero() -> None:
    assert stats.Series().summary() == {"count": 0}


def test_layers_of_a_kind_are_told_apart_and_a_view_chooses_one(tmp_path: Path) -> None:
    place = tmp_path / "d"
    make_dataset(place, shards=1, per_shard=3)
    shutil.copytree(place / "layers/person/test", place / "layers/person/other")
    table = parquet_table((place / "layers/person/other/000000.parquet").read_bytes())
    none = pa.array([[]] * 3, table.schema.field("boxes").type)
    table = table.set_column(table.schema.get_field_index("boxes"), "boxes", none)
    (place / "layers/person/other/000000.parquet").write_bytes(parquet_bytes(table))
    numbers = stats.stats(humanverse.open(str(place)))["numbers"]
    assert (numbers["person/test.boxes"]["mean"], numbers["person/other.boxes"]["mean"]) == (2, 0)
    make(str(place), "one", layers=["person=other"])
    of_view = stats.stats(humanverse.open(str(place)), "one")
    assert "person/other.boxes" in of_view["numbers"] and "person/test.boxes" not in of_view["numbers"]
    assert of_view["counts"]["person/test.status"] == {"ok": 3}
