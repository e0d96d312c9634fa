"""What ``verify`` finds in a damaged segmentation layer: in rows, in maps, in the card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import encode_segmentation
from humanverse.dataset.verify import PROBLEM
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.datasets import make_dataset
from tests.humanverse.dataset import damage
from tests.humanverse.dataset.findings import found, messages

TABLE = "layers/segmentation/bands/000000.parquet"
TAR = "layers/segmentation/bands/000000.tar"
CARD = "layers/segmentation/bands/layer.json"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A sound dataset, to break; each map has background, hair and shoe, by id 0, 1 and 2."""
    make_dataset(tmp_path / "d", shards=1, per_shard=3)
    annotate(str(tmp_path / "d"), Asked({"segmentation": "tests.pipelines.toy_parts:Bands"}), local=True)
    assert found(tmp_path / "d") == []
    return tmp_path / "d"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"labels": [0, 1, 3]}, "has the labels [0, 1, 2], and its row [0, 1, 3]"),
        ({"labels": [0, 2, 1]}, "has labels that are not ascending"),
        ({"labels": [0, 1, 300]}, "has labels outside [0, 254]"),
        ({"labels": [0, 1]}, "has not as many label_names as labels"),
        ({"label_names": ["Background", "Hair", "Bag"]}, "has labels of other names than layer.json says"),
        ({"label_names": ["Background", "Hair", "Hair"]}, "has a label name twice"),
        ({"label_areas": [0.2, 0.3, 0.1]}, "has other label_areas than its row says"),
        ({"label_areas": [0.9, 0.9, 0.1]}, "has label_areas of more than the map"),
        ({"label_areas": [-0.5, 0.9, 0.1]}, "has label_areas outside [0, 1]"),
        ({"labels": None}, "is ok without labels"),
        ({"map_width": 31}, "says another size of"),
    ],
)
def test_rows_that_say_what_is_not_so(broken: Path, values: dict[str, Any], told: str) -> None:
    damage.cell(broken / TABLE, 1, **values)
    assert {(PROBLEM, TABLE)} == set(found(broken))
    assert told in messages(broken)


def test_a_map_of_other_pixels(broken: Path) -> None:
    ids = np.zeros((24, 32), np.uint8)
    ids[:, :9], ids[-1] = 1, 255
    other, _ = encode_segmentation(ids)
    path = broken / TAR
    data = path.read_bytes()
    at = data.index(b"\x89PNG")
    size = damage.pq.read_table(broken / TABLE).column("map_size")[0].as_py()
    assert len(other) <= size
    path.write_bytes(data[:at] + other + bytes(size - len(other)) + data[at + size :])
    assert (PROBLEM, TABLE) in found(broken)
    assert "has the labels [0, 1], and its row [0, 1, 2] (1 of 3 maps)" in messages(broken)


def _without_labels(card: dict[str, Any]) -> None:
    del card["labels"]


def _twice(card: dict[str, Any]) -> None:
    card["labels"] = ["Background", "Hair", "Left_Shoe", "Hair"]


def _no_names(card: dict[str, Any]) -> None:
    card["labels"] = [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_labels, "does not say in labels what its ids are"),
        (_no_names, "does not say in labels what its ids are"),
        (_twice, "has more than 255 labels, or one of them twice"),
    ],
)
def test_a_card_that_does_not_name_the_labels(
    broken: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    card = json.loads((broken / CARD).read_text())
    change(card)
    (broken / CARD).write_text(json.dumps(card))
    assert (PROBLEM, CARD) in found(broken) and told in messages(broken)
