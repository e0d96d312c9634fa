"""What datasets and mlcroissant read of the folder is what the dataset has."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from humanverse.codec import decode_rgb
from pipelines.view import make as make_view
from tests.datasets import make_dataset
from tests.humanverse.export.exported import KINDS, held, run


@pytest.fixture(scope="module", autouse=True)
def _no_network():
    import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("hf")
    make_dataset(root / "people", columns={"similarity": "0.3", "image": "of the source"})
    run(root / "people", root / "out", "hf", licence="cc-by-4.0")
    return root


@pytest.fixture(scope="module")
def loaded(folder):
    import datasets

    return datasets.load_dataset(str(folder / "out"), split="train", cache_dir=str(folder / "cache"))


def test_types_are_known(loaded):
    import datasets

    assert loaded.features["image"] == loaded.features["map_depth"] == datasets.Image()
    assert loaded.features["phash"] == datasets.Value("uint64")
    assert loaded.features["original_box"] == datasets.List(datasets.Value("float32"), length=4)
    assert "map_offset" not in loaded.features["layer_depth"]
    assert {f"layer_{kind}" for kind in KINDS} <= set(loaded.features)


def test_bytes_and_rows_are_the_datasets(folder, loaded):
    import datasets

    expected = held(folder / "people")
    raw = loaded.cast_column("image", datasets.Image(decode=False)).cast_column(
        "map_depth", datasets.Image(decode=False)
    )
    rows = list(raw)
    assert [row["uid"] for row in rows] == list(expected)
    for row in rows:
        one = expected[row["uid"]]
        assert row["image"] == {"bytes": one.sample.jpeg, "path": f"{row['uid']}.jpg"}
        assert row["map_depth"] == {"bytes": one.maps["depth"], "path": f"{row['uid']}.depth.png"}
        for kind in KINDS:
            assert row[f"layer_{kind}"] == one.layer(kind)
        columns = {name: value for name, value in one.sample.columns.items() if not name.startswith("jpg_o")}
        columns.pop("jpg_size")
        columns["source_image"] = columns.pop("image")
        assert {name: row[name] for name in columns} == columns


def test_pictures_and_maps_are_decoded(folder, loaded):
    row = loaded[0]
    one = held(folder / "people")[row["uid"]]
    assert row["image"].size == (one.sample.columns["width"], one.sample.columns["height"])
    assert decode_rgb(one.sample.jpeg).shape[1::-1] == row["image"].size
    assert (np.asarray(row["map_depth"]) == np.asarray(Image.open(io.BytesIO(one.maps["depth"])))).all()


def test_the_file_itself_tells_the_types(folder):
    """For readers that see no card."""
    import datasets

    path = folder / "out" / "data" / "train-000000.parquet"
    alone = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(folder / "alone"))
    assert alone.features["image"] == datasets.Image()
    metadata = json.loads(pq.read_schema(path).metadata[b"huggingface"])
    assert datasets.Features.from_dict(metadata["info"]["features"]) == alone.features


def test_the_card_says_what_it_is(folder, loaded):
    import datasets

    text = (folder / "out" / "README.md").read_text()
    _, head, page = text.split("---\n", 2)
    told = yaml.safe_load(head)
    assert told["license"] == "cc-by-4.0"
    assert told["size_categories"] == ["n<1K"]
    assert "keypoint-detection" in told["task_categories"]
    assert datasets.Features._from_yaml_list(told["dataset_info"]["features"]) == loaded.features
    for wanted in (
        "## How it was made",
        "## Layers",
        "## Rights",
        "## Limits",
        "min_people: 1",
        "| kept | 6 | 50.0 % |",
    ):
        assert wanted in page
    assert "| `pose/test` | model of pose/test | CC0-1.0 | 1 |" in page
    assert str(folder) not in text


def test_croissant_is_valid_and_gives_the_same_samples(folder, caplog):
    import mlcroissant

    path = folder / "out" / "croissant.json"
    described = mlcroissant.Dataset(jsonld=str(path))
    issues = described.metadata.ctx.issues
    assert issues.errors == set()
    assert issues.warnings == set()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    expected = held(folder / "people")
    records = list(described.records("samples"))
    assert [record["samples/uid"].decode() for record in records] == list(expected)
    first = expected[records[0]["samples/uid"].decode()].sample
    assert records[0]["samples/width"] == first.columns["width"]
    assert records[0]["samples/image"].size == (first.columns["width"], first.columns["height"])


def test_many_samples_are_several_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("humanverse.export.hf.ROWS_AT_ONCE", 2)
    make_dataset(tmp_path / "people", shards=1, per_shard=5)
    run(tmp_path / "people", tmp_path / "out", "hf")
    file = pq.ParquetFile(tmp_path / "out" / "data" / "train-000000.parquet")
    assert file.num_row_groups == 3
    assert file.read(["uid"]).column("uid").to_pylist() == list(held(tmp_path / "people"))


def test_weights_of_the_users_own_are_told_in_the_card(tmp_path):
    make_dataset(tmp_path / "people", shards=1)
    path = tmp_path / "people" / "layers" / "pose" / "test" / "layer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "own_weights": ["a.onnx"]}))
    run(tmp_path / "people", tmp_path / "out", "hf")
    page = (tmp_path / "out" / "README.md").read_text()
    assert "| `pose/test` | model of pose/test, with weights of the user's own |" in page
    assert "| `person/test` | model of person/test |" in page


def test_without_layers_the_card_is_whole(tmp_path):
    make_dataset(tmp_path / "people", shards=1)
    run(tmp_path / "people", tmp_path / "out", "hf", layers=())
    page = (tmp_path / "out" / "README.md").read_text()
    assert "## Layers" not in page
    assert "{%" not in page
    assert pq.read_schema(tmp_path / "out" / "data" / "train-000000.parquet").names[-1] == "drifted"


def card(out: Path) -> tuple[dict[str, Any], str]:
    """The card's head and its text."""
    _, head, page = (out / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), page


def test_a_task_is_named_if_a_layer_says_something(tmp_path):
    make_dataset(tmp_path / "people", unavailable={"depth": "no estimator"})
    run(tmp_path / "people", tmp_path / "out", "hf")
    head, _ = card(tmp_path / "out")
    assert "depth-estimation" not in head["task_categories"]
    assert {"keypoint-detection", "object-detection"} < set(head["task_categories"])


@pytest.mark.parametrize(("kind", "asked"), [("table", True), ("folder", False), ("webdataset", False)])
def test_servers_are_told_of_if_they_were_asked(tmp_path, kind, asked):
    make_dataset(tmp_path / "people", shards=1)
    source = tmp_path / "people" / "source.json"
    source.write_text(json.dumps({**json.loads(source.read_text()), "kind": kind}))
    run(tmp_path / "people", tmp_path / "out", "hf")
    assert ("Servers that asked not to be used" in card(tmp_path / "out")[1]) is asked


def test_a_view_is_told_with_its_conditions_and_counts(tmp_path):
    make_dataset(tmp_path / "people")
    make_view(str(tmp_path / "people"), "some", where=["row < 2"], layers=["pose=test"])
    run(tmp_path / "people", tmp_path / "out", "hf", view="some")
    _, page = card(tmp_path / "out")
    assert "| kept | 6 | 50.0 % |" in page
    assert "| row < 2 | 2 | 16.7 % |" in page
    assert "| in the view | 2 | 16.7 % |" in page
    assert "The view also says which layers are read: `pose/test`." in page


def test_blurred_faces_are_told_once(tmp_path):
    make_dataset(tmp_path / "people", shards=1)
    run(tmp_path / "people", tmp_path / "out", "hf", blur_faces=True)
    _, page = card(tmp_path / "out")
    assert page.count("blur") == 1
    assert "Faces of people whom the layers `person/test` and `pose/test` found are blurred." in page
    assert "People are recognisable." not in page
