"""What webdataset reads of the tars is what the dataset has."""

import json
import math
import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset

from humanverse.codec import decode_rgb
from humanverse.codec.maps import decode_depth
from tests.datasets import make_dataset
from tests.humanverse.export.exported import KINDS, held, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("wds")
    make_dataset(root / "people", columns={"similarity": "0.3"})
    run(root / "people", root / "out", "webdataset")
    return root


def read(out: Path, *, decode: bool):
    tars = [str(path) for path in sorted(out.glob("*.tar"))]
    samples = webdataset.WebDataset(tars, shardshuffle=False)
    return list(samples.decode("rgb8") if decode else samples)


def test_bytes_and_rows_are_the_datasets(folder):
    expected = held(folder / "people")
    found = read(folder / "out", decode=False)
    assert [item["__key__"] for item in found] == list(expected)
    for item in found:
        one = expected[item["__key__"]]
        assert item["jpg"] == one.sample.jpeg
        assert item["txt"].decode() == one.sample.columns["caption"]
        assert item["depth.png"] == one.maps["depth"]
        told = json.loads(item["json"])
        layers = told.pop("layers")
        assert set(layers) == set(KINDS)
        for kind in KINDS:
            assert layers[kind] == one.layer(kind)
        assert told == {
            name: value for name, value in one.sample.columns.items() if name not in ("jpg_offset", "jpg_size")
        }
        assert told["similarity"] == "0.3"


def test_webdataset_decodes_it(folder):
    expected = held(folder / "people")
    found = read(folder / "out", decode=True)
    assert len(found) == len(expected)
    for item in found:
        one = expected[item["__key__"]]
        assert np.abs(item["jpg"].astype(int) - decode_rgb(one.sample.jpeg)).max() <= 4
        assert item["json"]["layers"]["pose"]["keypoints"] == one.sample.layers["pose"]["keypoints"]
        row = one.sample.layers["depth"]
        depth = decode_depth(one.maps["depth"], row["scale"], row["offset"])
        assert item["json"]["layers"]["depth"]["unit"] == "m"
        assert np.isfinite(depth).all()


def test_a_tar_has_one_sample_after_the_other_and_nothing_else(folder):
    with tarfile.open(folder / "out" / "000000.tar") as tar:
        names = tar.getnames()
    suffixes = ["jpg", "txt", "json", "depth.png"]
    assert names == [f"{name.split('.')[0]}.{suffix}" for name in names[::4] for suffix in suffixes]


def test_a_layer_that_says_nothing_is_null_with_its_reason(tmp_path):
    make_dataset(tmp_path / "people", unavailable={"depth": "no estimator"})
    run(tmp_path / "people", tmp_path / "out", "webdataset")
    for item in read(tmp_path / "out", decode=False):
        depth = json.loads(item["json"])["layers"]["depth"]
        assert depth["status"] == "unavailable"
        assert depth["reason"] == "no estimator"
        assert depth["scale"] is None
        assert "depth.png" not in item


def test_what_is_not_a_number_is_null(tmp_path):
    make_dataset(tmp_path / "people", columns={"original_box": [0.0, 0.0, math.inf, math.nan]})
    run(tmp_path / "people", tmp_path / "out", "webdataset")
    item = read(tmp_path / "out", decode=False)[0]
    assert json.loads(item["json"])["original_box"] == [0.0, 0.0, None, None]
