"""The commands that ``status`` and ``verify`` tell of run as they are."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from tests.datasets import make_dataset
from tests.pipelines.layers import TOYS, tables
from tests.pipelines.test_cli_annotate import typed

SAYS = (
    f"caption={TOYS}:Says",
    "--as",
    "caption=the-word",
    "--set",
    "caption.word='a; b'",
    "--set",
    "caption.seconds=0.0",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two shards in a folder whose name must be quoted."""
    make_dataset(tmp_path / "my people", shards=2, per_shard=2)
    return tmp_path / "my people"


def told(place: Path) -> str:
    """The one command of ``verify``, and of ``status``."""
    (note,) = verify(Dataset(str(place))).findings
    line = next(line for line in typed("status", str(place))[1].splitlines() if "not in all shards yet: " in line)
    command = line.partition("yet: ")[2]
    assert note.level == "note" and command in note.message
    return command


def completed_as_told(place: Path, layer: str) -> None:
    whole = tables(place, layer)
    (place / "layers" / layer / "000001.parquet").unlink()
    words = shlex.split(told(place))
    assert words[:3] == ["humanverse", "annotate", str(place)]
    here = () if "--from-coco" in words else ("--local",)
    assert typed(*words[1:], *here)[0] == 0
    assert tables(place, layer) == whole


def test_an_annotator_of_ones_own_with_settings_and_a_name(place: Path) -> None:
    assert typed("annotate", str(place), *SAYS, "--local")[0] == 0
    completed_as_told(place, "caption/the-word")


def test_the_layer_that_is_read_is_the_one_that_was(place: Path) -> None:
    typed("annotate", str(place), *SAYS, "--local")
    typed("annotate", str(place), f"safety={TOYS}:Tells", "--reads", "caption=the-word", "--local")
    completed_as_told(place, "safety/tells")


def test_ground_truth(place: Path, tmp_path: Path) -> None:
    images = [{"id": row, "file_name": f"{row}.jpg", "width": 80, "height": 60} for row in range(9)]
    (tmp_path / "a file.json").write_text(
        json.dumps({"images": images, "annotations": [], "categories": [{"id": 1, "name": "person"}]})
    )
    typed("annotate", str(place), "person=truth", "--from-coco", str(tmp_path / "a file.json"))
    completed_as_told(place, "person/truth")


def test_a_layer_of_the_recipe_that_was_dropped(place: Path) -> None:
    typed("drop", str(place), "caption=test")
    assert shlex.split(told(place)) == ["humanverse", "annotate", str(place), "caption=test"]
