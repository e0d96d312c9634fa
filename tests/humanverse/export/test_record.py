"""What a dataset knows of its exports, and what an export holds."""

import json
import shutil

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError
from humanverse.export.record import exports, holding
from tests.datasets import make_dataset
from tests.humanverse.export.exported import held, run


@pytest.fixture
def folder(tmp_path):
    make_dataset(tmp_path / "people")
    run(tmp_path / "people", tmp_path / "tars", "webdataset")
    return tmp_path


def test_each_place_is_recorded_once(folder):
    run(folder / "people", folder / "coco", "coco")
    run(folder / "people", folder / "tars", "webdataset")
    records = exports(Dataset(str(folder / "people")))
    assert [(record.export, record.out) for record in records] == [
        ("webdataset", str(folder / "tars")),
        ("coco", str(folder / "coco")),
    ]
    assert sorted(path.name for path in (folder / "people" / "exports").iterdir()) == ["000000.json", "000001.json"]
    assert records[1].layers == {"person": "person/test", "pose": "pose/test"}


def test_a_record_names_no_sample(folder):
    text = (folder / "people" / "exports" / "000000.json").read_text()
    assert not any(uid in text for uid in held(folder / "people"))


def test_what_an_export_holds_can_be_asked(folder):
    (record,) = exports(Dataset(str(folder / "people")))
    uids = list(held(folder / "people"))
    assert holding(record, {uids[0], uids[-1], "00" * 16}) == {uids[0], uids[-1]}
    assert holding(record, {"00" * 16}) == set()


def test_what_cannot_be_read_is_not_known(folder):
    (record,) = exports(Dataset(str(folder / "people")))
    state = folder / "tars" / "humanverse-export.json"
    told = json.loads(state.read_text())
    state.write_text(json.dumps({**told, "complete": False}))
    assert holding(record, {"00" * 16}) is None
    state.write_text(json.dumps(told))
    listed = folder / "tars" / "humanverse-export.parquet"
    listed.write_bytes(listed.read_bytes()[:100])
    assert holding(record, {"00" * 16}) is None
    shutil.rmtree(folder / "tars")
    assert holding(record, {"00" * 16}) is None


def test_verify_knows_records_and_names_damaged_ones(folder):
    dataset = Dataset(str(folder / "people"))
    assert not [finding for finding in verify(dataset).findings if finding.path.startswith("exports/")]
    record = folder / "people" / "exports" / "000000.json"
    record.write_text('{"format": 1}')
    (folder / "people" / "exports" / "notes.txt").write_text("?")
    found = {finding.path: finding.level for finding in verify(dataset).findings if finding.path.startswith("exports/")}
    assert found == {"exports/000000.json": "problem", "exports/notes.txt": "note"}
    with pytest.raises(DatasetError, match=r"exports/000000.json is damaged"):
        exports(dataset)
    run(folder / "people", folder / "tars", "webdataset")
    assert json.loads((record.parent / "000001.json").read_text())["out"] == str(folder / "tars")
