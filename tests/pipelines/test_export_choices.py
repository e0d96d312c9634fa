"""export: what is chosen, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.export.record import exports
from pipelines.export import export
from pipelines.view import make as make_view
from tests.datasets import make_dataset
from tests.pipelines.exports import (
    FORMATS,
    add_layer,
    contents,
    files,
    listed,
    people,
    run,
    state,
)

__all__ = ["people"]


@pytest.mark.parametrize(
    ("format", "settings", "message"),
    [
        ("hf", {}, r"holds another export \(format: webdataset there, hf now\): export to another place"),
        ("webdataset", {"layers": ("person",)}, r"layers: not given there, person now"),
        ("webdataset", {"blur_faces": True}, r"blur-faces: False there, True now"),
    ],
)
def test_another_export_in_the_same_place_is_refused(
    people: Path, tmp_path: Path, format: str, settings: dict[str, Any], message: str
) -> None:
    run(people, tmp_path / "out", "webdataset")
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match=message):
        run(people, tmp_path / "out", format, **settings)
    assert contents(tmp_path / "out") == before


def test_another_dataset_is_refused(people: Path, tmp_path: Path) -> None:
    make_dataset(tmp_path / "others")
    run(people, tmp_path / "out", "webdataset")
    with pytest.raises(UserError, match=r"dataset: .*people \(id .* there, .*others \(id .* now"):
        run(tmp_path / "others", tmp_path / "out", "webdataset")


def test_a_relative_place_is_recorded_as_absolute(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export("people", "out", "webdataset")
    assert [record.out for record in exports(Dataset(str(people)))] == [str(tmp_path / "out")]
    assert state(tmp_path / "out")["dataset"] == str(people)


@pytest.mark.parametrize(
    ("format", "settings", "message"),
    [
        ("hf", {"min_confidence": 0.5}, r"^--min-confidence is for --format coco, and hf has no use for it"),
        ("webdataset", {"min_score": 0.5}, r"^--min-score is for --format coco, and webdataset"),
        ("coco", {"licence": "mit"}, r"^--licence is for --format hf, and coco"),
        ("coco", {"min_confidence": 1.5}, r"^--min-confidence 1.5 is not within 0 and 1"),
        ("coco", {"min_confidence": -0.1}, r"^--min-confidence -0.1 is not within 0 and 1"),
        ("coco", {"min_score": float("nan")}, r"^--min-score nan is not within 0 and 1"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    people: Path, tmp_path: Path, format: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(people, tmp_path / "out", format, **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_sample_there_is_nothing_to_export(people: Path, tmp_path: Path, format: str) -> None:
    make_view(str(people), "nobody", where=["width < 0"])
    with pytest.raises(UserError, match=r"the view nobody of .* has no sample: there is nothing to export"):
        run(people, tmp_path / "out", format, view="nobody")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["people", "people/export"])
def test_nothing_is_exported_into_the_dataset(people: Path, tmp_path: Path, place: str) -> None:
    with pytest.raises(UserError, match="is in the dataset: export to another place"):
        run(people, tmp_path / place, "webdataset")


def test_a_place_with_other_files_is_refused(people: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters").write_text("mine")
    with pytest.raises(UserError, match=r"not empty and no export \(it holds letters\)"):
        run(people, tmp_path / "out", "webdataset")
    assert not (people / "exports").exists()


def test_of_several_layers_one_must_be_chosen(people: Path, tmp_path: Path) -> None:
    add_layer(people, "caption/other")
    with pytest.raises(UserError, match=r"several caption layers: .*--layers caption=other or --layers caption=test"):
        run(people, tmp_path / "out", "webdataset")
    chosen = run(people, tmp_path / "out", "webdataset", layers=("caption/other", "pose"))
    assert chosen.layers == {"caption": "caption/other", "pose": "pose/test"}
    assert run(people, tmp_path / "coco", "coco").layers == {"person": "person/test", "pose": "pose/test"}


def test_an_incomplete_layer_is_left_out(people: Path, tmp_path: Path) -> None:
    (people / "layers" / "caption" / "test" / "000001.parquet").unlink()
    assert set(run(people, tmp_path / "out", "webdataset").layers) == {"person", "pose", "depth"}
    with pytest.raises(UserError, match="no layer caption/test yet"):
        run(people, tmp_path / "other", "webdataset", layers=("caption",))


def test_coco_needs_people_and_takes_no_maps(people: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="coco cannot carry a depth layer, only person, pose"):
        run(people, tmp_path / "out", "coco", layers=("person", "depth"))
    with pytest.raises(UserError, match="coco needs a complete person layer: add --layers person=test to those"):
        run(people, tmp_path / "out", "coco", layers=("pose",))
    add_layer(people, "person/other")
    make_view(str(people), "pinned", layers=["pose=test"])
    with pytest.raises(UserError, match="add --layers person=other or --layers person=test to those that are chosen"):
        run(people, tmp_path / "out", "coco", view="pinned")
    for name in ("other", "test"):
        (people / "layers" / "person" / name / "000001.parquet").unlink()
    with pytest.raises(UserError, match=r"complete one with humanverse annotate, of person/other, person/test$"):
        run(people, tmp_path / "out", "coco", layers=("pose",))
    for name in ("other", "test"):
        shutil.rmtree(people / "layers" / "person" / name)
    with pytest.raises(UserError, match=r"person layer: add one with humanverse annotate$"):
        run(people, tmp_path / "out", "coco", layers=("pose",))


@pytest.mark.parametrize("format", FORMATS)
def test_a_view_says_which_samples_and_layers(people: Path, tmp_path: Path, format: str) -> None:
    from pipelines.view import make

    make(str(people), "some", where=["row < 8"], layers=["pose=test", "person=test"])
    told = run(people, tmp_path / "out", format, view="some")
    wanted = [sample.uid for sample in Dataset(str(people)).samples(view="some")]
    assert 0 < len(wanted) < 6
    assert listed(tmp_path / "out") == wanted
    assert told.layers == {"person": "person/test", "pose": "pose/test"}
    make(str(people), "some", where=["row < 1"], layers=["pose=test", "person=test"], replace=True)
    assert run(people, tmp_path / "out", format, view="some").samples == 1
    assert len(files(tmp_path / "out", format)) == 1


def test_a_format_that_is_not_there_is_named(people: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no format 'yolo': give --format webdataset, coco, hf"):
        run(people, tmp_path / "out", "yolo")


@pytest.mark.parametrize("format", FORMATS)
def test_a_uid_that_is_a_path_writes_nothing_outside(people: Path, tmp_path: Path, format: str) -> None:
    tables = [people / "images" / "000000.parquet", *people.glob("layers/*/test/000000.parquet")]
    for path in tables:
        table = pq.read_table(path)
        uids = ["../../../" + "e" * 23, *table.column("uid").to_pylist()[1:]]
        at = table.schema.get_field_index("uid")
        pq.write_table(table.set_column(at, table.schema.field(at), pa.array(uids)), path)
    with pytest.raises(UserError, match="is no uid: run humanverse verify"):
        run(people, tmp_path / "a" / "b" / "out", format)
    assert not list(tmp_path.rglob("e" * 23 + "*"))
    assert not (tmp_path / "a").exists()
