"""export: what is chosen, what is refused, and that running again writes what has changed and nothing else."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from humanverse.dataset import tombstones
from humanverse.dataset.commit import commit
from humanverse.dataset.create import declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.errors import UserError
from humanverse.export.base import Settings
from humanverse.export.record import exports, holding
from humanverse.storage import Store
from pipelines import forget as job
from pipelines.cli import app
from pipelines.compact import compact
from pipelines.export import Result, export
from pipelines.view import make as make_view
from schemas.provenance import fingerprint
from tests.datasets import LOST, cards, layer_table, make_dataset, make_shard

FORMATS = ("webdataset", "coco", "hf")
PICTURES = {"webdataset": "*.tar", "coco": "images/*.jpg", "hf": "data/*.parquet"}
PER_SHARD = 3


@pytest.fixture
def people(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=2, per_shard=PER_SHARD, planned_shards=3)
    return tmp_path / "people"


def run(people: Path, out: Path, format: str, **settings: Any) -> Result:
    return export(str(people), str(out), format, Settings(**settings))


def state(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out / "humanverse-export.json").read_text())
    return told


def uids(people: Path) -> list[str]:
    return [sample.uid for sample in Dataset(str(people)).samples()]


def listed(out: Path) -> list[str]:
    found: list[str] = pq.read_table(out / "humanverse-export.parquet").column("uid").to_pylist()
    return found


def forget(people: Path, uid: str) -> None:
    tombstones.write(Store(people), Tombstones(frozenset({uid})), "asked")


def add_shard(people: Path) -> None:
    commit(Store(people), make_shard(2, 2 * (PER_SHARD + len(LOST)), PER_SHARD, {}, {}))


def add_layer(people: Path, layer: str, settings: Mapping[str, Any] | None = None) -> None:
    """Another layer of a kind that is there, of the same rows."""
    kind, _, name = layer.partition("/")
    dataset = Dataset(str(people))
    card = {**cards()[f"{kind}/test"], "name": name, "settings": settings or {}}
    (people / "layers" / layer).mkdir(parents=True, exist_ok=True)
    (people / "layers" / layer / "layer.json").unlink(missing_ok=True)
    declare_layer(dataset.store, layer, {**card, "layer": layer, "fingerprint": fingerprint(card)})
    for shard in dataset.shards():
        shutil.copy(people / "layers" / f"{kind}/test" / f"{shard:06d}.parquet", people / "layers" / layer)


def files(out: Path, format: str) -> dict[str, int]:
    """The files with pictures, and when each was made."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob(PICTURES[format])}


@pytest.mark.parametrize("format", FORMATS)
def test_again_there_is_nothing_to_do(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    first = run(people, out, format)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = run(people, out, format)
    assert (first.samples, first.shards, first.written, first.deleted) == (6, 2, 2, 0)
    assert (again.samples, again.shards, again.written, again.deleted) == (6, 2, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
    assert state(out)["complete"] is True
    assert listed(out) == uids(people)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_forgotten_vanishes_and_the_rest_stays(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    before = files(out, format)
    gone = uids(people)[1]
    forget(people, gone)
    again = run(people, out, format)
    after = files(out, format)
    assert (again.samples, again.written) == (5, 1)
    assert gone not in listed(out)
    assert listed(out) == uids(people)
    assert not [path for path in out.rglob("*") if path.is_file() and gone.encode() in path.read_bytes()]
    untouched = {name for name, time in after.items() if before.get(name) == time}
    assert len(untouched) == (5 if format == "coco" else 1)


def test_forget_names_the_exports_that_have_it(people: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "gone"):
        run(people, tmp_path / name, "webdataset")
    shutil.rmtree(tmp_path / "gone")
    uid = uids(people)[0]
    told = job.forget(str(people), job.Request(uids=(uid,)))
    assert (told.exports, told.exports_unknown) == (
        [str(tmp_path / "one"), str(tmp_path / "two")],
        [str(tmp_path / "gone")],
    )
    run(people, tmp_path / "one", "webdataset")
    (people / "exports" / "000002.json").write_text("{}")
    again = CliRunner().invoke(app, ["forget", str(people), "--uid", uid])
    assert again.exit_code == 0, again.output
    assert f"export {tmp_path / 'two'} has some of them: export again into it" in again.stdout
    assert "export exports/000002.json may have some of them" in again.stdout
    assert str(tmp_path / "one") not in again.stdout


@pytest.mark.parametrize(("format", "reads"), [("webdataset", "map_png"), ("coco", "jpeg"), ("hf", "map_png")])
def test_what_is_removed_while_it_is_exported_is_passed_over(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, reads: str
) -> None:
    second, plain = uids(people)[1], getattr(Dataset, reads)

    def meanwhile(self: Dataset, *arguments: Any) -> Any:
        if arguments[-1]["uid"] == second and not (people / "ledger/000000.g1.parquet").exists():
            tombstones.write(Store(people), Tombstones(frozenset([second])), "asked to")
            compact(str(people))
        return plain(self, *arguments)

    monkeypatch.setattr(Dataset, reads, meanwhile)
    assert run(people, tmp_path / "out", format).samples == 2 * PER_SHARD - 1
    assert second not in listed(tmp_path / "out")
    assert second.encode() not in b"".join(contents(tmp_path / "out").values())


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_of_which_all_is_forgotten_goes(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    for uid in uids(people)[:PER_SHARD]:
        forget(people, uid)
    again = run(people, out, format)
    assert (again.samples, again.shards, again.written) == (3, 1, 0)
    assert again.deleted == (PER_SHARD if format == "coco" else 1)
    assert list(state(out)["shards"]) == ["000001"]
    assert len(files(out, format)) == (3 if format == "coco" else 1)


@pytest.mark.parametrize("format", FORMATS)
def test_a_new_shard_is_added(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    before = files(out, format)
    add_shard(people)
    again = run(people, out, format)
    assert (again.samples, again.shards, again.written, again.deleted) == (9, 3, 1, 0)
    assert before.items() <= files(out, format).items()
    assert listed(out) == uids(people)


@pytest.mark.parametrize("format", FORMATS)
def test_another_layer_of_the_same_name_is_written_anew(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    shutil.rmtree(people / "layers" / "pose" / "test")
    add_layer_anew(people)
    assert run(people, out, format).written == 2
    assert run(people, out, format).written == 0


def add_layer_anew(people: Path) -> None:
    """``pose/test``, by other settings."""
    dataset = Dataset(str(people))
    card = {**cards()["pose/test"], "settings": {"other": 1}}
    declare_layer(dataset.store, "pose/test", {**card, "layer": "pose/test", "fingerprint": fingerprint(card)})
    for shard in dataset.shards():
        samples = dataset.images(shard).to_pylist()
        pq.write_table(
            layer_table("pose/test", samples, {}), people / "layers" / "pose" / "test" / f"{shard:06d}.parquet"
        )


def _die_at(people: Path, out: Path, format: str, path: str) -> None:
    """Export, and die before ``path`` is written."""
    write = Store._publish

    def publish(self: Store, scratch: Path, name: str) -> None:
        if name.endswith(path) and self.url == str(out):
            os._exit(9)
        write(self, scratch, name)

    Store._publish = publish  # type: ignore[method-assign]
    run(people, out, format)


@pytest.mark.parametrize(
    ("format", "path"),
    [
        ("webdataset", "000001.tar"),
        ("coco", "annotations/humanverse.json"),
        ("hf", "README.md"),
    ],
)
def test_killed_half_way_it_says_so_and_completes(people: Path, tmp_path: Path, format: str, path: str) -> None:
    out = tmp_path / "out"
    process = multiprocessing.get_context("spawn").Process(target=_die_at, args=(people, out, format, path))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert state(out)["complete"] is False
    (record,) = exports(Dataset(str(people)))
    assert holding(record, set(uids(people))) is None
    forget(people, uids(people)[-1])
    done = run(people, out, format)
    assert done.samples == 5
    assert state(out)["complete"] is True
    fresh = tmp_path / "fresh"
    run(people, fresh, format)
    assert contents(out) == contents(fresh)


def contents(out: Path) -> dict[str, bytes]:
    """All files but what an export says of itself, which has a time."""
    found = (path for path in sorted(out.rglob("*")) if path.is_file() and ".tmp" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in found if path.name != "humanverse-export.json"}


def test_the_state_tells_what_the_export_has(people: Path, tmp_path: Path) -> None:
    run(people, tmp_path / "out", "webdataset")
    told = state(tmp_path / "out")
    assert told["dataset"] == str(people)
    assert told["layers"]["pose"] == "pose/test"
    assert {name: (item["generation"], item["samples"]) for name, item in told["shards"].items()} == {
        "000000": (0, 3),
        "000001": (0, 3),
    }
    table = pq.read_table(tmp_path / "out" / "humanverse-export.parquet")
    assert table.column("file").to_pylist() == ["000000.tar"] * 3 + ["000001.tar"] * 3
    samples = list(Dataset(str(people)).samples())
    assert table.column("row").to_pylist() == [sample.columns["row"] for sample in samples]
    assert table.column("shard").to_pylist() == [sample.shard for sample in samples]


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


def test_a_dataset_that_was_moved_updates_its_exports(people: Path, tmp_path: Path) -> None:
    run(people, tmp_path / "out", "coco")
    moved, link = tmp_path / "elsewhere" / "moved", tmp_path / "link"
    moved.parent.mkdir()
    people.rename(moved)
    link.symlink_to(moved)
    assert run(link, tmp_path / "out", "coco").written == 0
    assert state(tmp_path / "out")["dataset"] == str(link)
    forget(moved, uids(moved)[0])
    again = run(moved, tmp_path / "out", "coco")
    assert (again.written, again.deleted) == (1, 1)
    assert state(tmp_path / "out")["dataset"] == str(moved)
    assert str(tmp_path) not in (tmp_path / "out" / "annotations" / "humanverse.json").read_text()


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


@pytest.mark.parametrize("gone", [0, PER_SHARD])
def test_progress_ends_at_its_end(people: Path, tmp_path: Path, gone: int, capsys: pytest.CaptureFixture[str]) -> None:
    run(people, tmp_path / "out", "webdataset")
    for uid in uids(people)[:gone]:
        forget(people, uid)
    capsys.readouterr()
    left = run(people, tmp_path / "out", "webdataset").samples
    assert f"export: 4/4 steps, {left} samples, writing" in capsys.readouterr().err


def test_an_export_that_has_lost_all_its_samples_says_so(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(people, out, "hf")
    for uid in uids(people):
        forget(people, uid)
    told = CliRunner().invoke(app, ["export", str(people), str(out), "--format", "hf"])
    assert told.exit_code == 0, told.output
    assert "no sample is left in it" in told.stdout
    assert not files(out, "hf")
    add_shard(people)
    assert run(people, out, "hf").samples == PER_SHARD
    assert list(files(out, "hf")) == ["train-000002.parquet"]


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
    with pytest.raises(UserError, match="coco needs a complete person layer"):
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


def test_the_command_line(people: Path, tmp_path: Path) -> None:
    words = ["export", str(people), str(tmp_path / "out"), "--format", "webdataset", "--layers", "pose=test"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "webdataset of 6 samples; 2 of 2 shards written" in told.stdout
    again = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (again["samples"], again["written"], again["layers"]) == (6, 0, {"pose": "pose/test"})
    plain = CliRunner().invoke(app, words)
    assert "no shard had changed" in plain.stdout
