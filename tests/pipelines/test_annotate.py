"""Layers added to a dataset in one process: what is made, what is left alone, and what one bad picture costs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from humanverse.codec.maps import decode_depth
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import status
from humanverse.dataset.tombstones import Tombstones, write
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from pipelines.annotate import annotate, resources_of
from pipelines.build import build
from pipelines.compact import compact
from pipelines.drop import drop
from pipelines.plan_layers import Asked
from pipelines.preview import preview
from schemas.recipe import load
from tests.datasets import make_dataset, make_retry
from tests.pipelines.layers import TOYS, asked, digests, place, rows, tables, uid_of
from tests.pipelines.web import serve_web

__all__ = ["place"]


def test_every_sample_gets_a_row_and_nothing_else_is_touched(place: Path) -> None:
    before = digests(place)
    result = annotate(str(place), asked("caption", "Says"), local=True)
    assert (result.layers, result.before, result.done, result.lost) == (["caption/says"], 0, 3, {})
    assert result.rows == {"caption/says": {"ok": 21}}
    assert result.bytes == sum(len(data) for data in tables(place, "caption/says").values())
    assert {path: digest for path, digest in digests(place).items() if path in before} == before
    assert {path.rpartition("/")[0] for path in digests(place).keys() - before.keys()} == {"layers/caption/says"}
    assert verify(Dataset(str(place))).findings == ()
    shutil.rmtree(place / "layers" / "caption" / "says")
    assert digests(place) == before


def test_again_there_is_nothing_to_do(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    before = digests(place)
    result = annotate(str(place), asked("caption", "Says"), local=True)
    assert (result.before, result.done, result.nothing_worked) == (3, 0, False)
    assert digests(place) == before


def test_shards_that_came_later_are_completed_by_the_same_command(place: Path, tmp_path: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    whole = tables(place, "caption/says")
    make_retry(place, ["timeout"], kept=[7])
    assert not status(Dataset(str(place))).complete
    assert annotate(str(place), asked("caption", "Says"), local=True).done == 1
    assert status(Dataset(str(place))).complete
    assert whole.items() < tables(place, "caption/says").items()


def test_only_what_a_shard_lacks_is_made(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    first = tables(place, "caption/says")
    (place / "layers/caption/says/000001.parquet").unlink()
    both = Asked({"caption": "tests.pipelines.toy_annotators:Says", "quality": None})
    result = annotate(str(place), both, local=True)
    assert result.rows == {"caption/says": {"ok": 7}, "quality/pixels": {"ok": 21}}
    assert tables(place, "caption/says") == first


def test_a_layer_reads_one_of_the_same_call_also_where_that_one_is_there_already(place: Path) -> None:
    both = Asked({"caption": "tests.pipelines.toy_annotators:Says", "safety": "tests.pipelines.toy_annotators:Tells"})
    annotate(str(place), asked("caption", "Says"), local=True)
    (place / "layers/caption/says/000002.parquet").unlink()
    annotate(str(place), both, local=True)
    said = rows(place, "caption/says")
    for uid, row in rows(place, "safety/tells").items():
        assert row["unsafe"] == pytest.approx(len(said[uid]["text"]) / 1000)
    card = json.loads((place / "layers/safety/tells/layer.json").read_text())
    assert card["reads"] == {"caption": "caption/says"}
    assert card["needs"] == {"caption": Dataset(str(place)).layer_card("caption/says")["fingerprint"]}


def test_another_name_is_another_layer_of_the_same_annotator(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    annotate(str(place), asked("caption", "Says", "loud", word="SEEN"), local=True)
    card = json.loads((place / "layers/caption/loud/layer.json").read_text())
    assert (card["layer"], card["name"], card["settings"]["word"]) == ("caption/loud", "says", "SEEN")
    assert (card["reads"], card["truth"]) == ({}, False)
    assert all(row["text"].startswith("SEEN") for row in rows(place, "caption/loud").values())
    assert all(row["text"].startswith("seen") for row in rows(place, "caption/says").values())
    assert verify(Dataset(str(place))).findings == ()


def test_other_settings_under_the_same_name_are_refused(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    before = digests(place)
    with pytest.raises(DatasetError, match=r'settings.word: "seen" -> "SEEN".*--as caption=NAME'):
        annotate(str(place), asked("caption", "Says", word="SEEN"), local=True)
    assert digests(place) == before


@pytest.mark.parametrize(
    ("toy", "reason"),
    [
        ("Raises", "ZeroDivisionError: by nought at all"),
        ("Misspells", "not a row of its kind: it has 'txt', and a caption row has text, language, method"),
        ("Twists", "not a row of its kind: its text cannot be stored as string (Arrow"),
    ],
)
def test_a_picture_on_which_the_annotator_fails_costs_its_row(place: Path, toy: str, reason: str) -> None:
    bad = uid_of(place, 1, 3)
    annotate(str(place), asked("caption", "Says"), local=True)
    annotate(str(place), asked("caption", toy, "failing", uid=bad), local=True)
    good, found = rows(place, "caption/says"), rows(place, "caption/failing")
    assert {uid for uid in good if found[uid] != good[uid]} == {bad}
    assert found[bad]["status"] == "failed" and found[bad]["reason"].startswith(reason)
    assert (found[bad]["text"], found[bad]["language"]) == (None, None)
    assert verify(Dataset(str(place))).findings == ()


def test_a_model_that_cannot_be_loaded_leaves_nothing(place: Path) -> None:
    before = digests(place)
    line = r"^caption/says cannot be loaded: RuntimeError: no model here$"
    with pytest.raises(UserError, match=line):
        annotate(str(place), asked("caption", "Unloadable"), local=True)
    with pytest.raises(UserError, match=line):
        preview(str(place), asked("caption", "Unloadable"), 2)
    assert digests(place) == before
    assert not (place / "layers/caption/says").exists()


def test_a_model_that_cannot_be_loaded_any_more_leaves_what_is_there(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    (place / "layers/caption/says/000001.parquet").unlink()
    before = digests(place)
    with pytest.raises(UserError, match="cannot be loaded"):
        annotate(str(place), asked("caption", "Unloadable"), local=True)
    assert digests(place) == before


def test_too_large_a_batch_is_halved(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    annotate(str(place), asked("caption", "Hungry", "hungry"), local=True)
    assert tables(place, "caption/hungry") == tables(place, "caption/says")


def test_a_picture_that_does_not_decode_costs_its_row(place: Path) -> None:
    row = Dataset(str(place)).images(2).to_pylist()[4]
    tar = place / "images/000002.tar"
    content = bytearray(tar.read_bytes())
    content[row["jpg_offset"] : row["jpg_offset"] + row["jpg_size"]] = b"\0" * row["jpg_size"]
    tar.write_bytes(content)
    annotate(str(place), asked("caption", "Says"), local=True)
    failed = {uid: row["reason"] for uid, row in rows(place, "caption/says").items() if row["status"] != "ok"}
    assert list(failed) == [row["uid"]]
    assert failed[row["uid"]].startswith("ValueError: not a JPEG that can be decoded")


def test_what_is_forgotten_is_not_looked_at_and_keeps_its_place(place: Path) -> None:
    gone = uid_of(place, 0, 2)
    annotate(str(place), asked("caption", "Says"), local=True)
    write(Dataset(str(place)).store, Tombstones(frozenset([gone])), "asked to")
    annotate(str(place), asked("caption", "Says", "later"), local=True)
    dataset = Dataset(str(place))
    table = dataset.layer("caption/later", 0, dataset.images_as_written(0)).to_pylist()
    assert [row["status"] for row in table] == ["ok", "ok", "unavailable", "ok", "ok", "ok", "ok"]
    assert (table[2]["uid"], table[2]["reason"], table[2]["text"]) == (gone, "forgotten", None)
    whole = rows(place, "caption/says")
    assert all(row == whole[row["uid"]] for row in table if row["uid"] != gone)
    assert gone not in rows(place, "caption/later")


def test_dense_layers_have_their_maps_in_tars(place: Path) -> None:
    gone, bad = uid_of(place, 0, 2), uid_of(place, 1, 4)
    write(Dataset(str(place)).store, Tombstones(frozenset([gone])), "asked to")
    result = annotate(str(place), asked("depth", "Slope", uid=bad), local=True)
    assert result.rows == {"depth/slope": {"ok": 19, "failed": 1, "unavailable": 1}}
    assert sorted(tables(place, "depth/slope")) == [f"00000{n}.{kind}" for n in range(3) for kind in ("parquet", "tar")]
    assert result.bytes == sum(len(data) for data in tables(place, "depth/slope").values())
    dataset = Dataset(str(place))
    assert [item for item in verify(dataset).findings if item.level == "problem"] == []
    for shard in dataset.shards():
        for row in dataset.layer("depth/slope", shard).to_pylist():
            png = dataset.map_png("depth/slope", shard, row)
            assert (png is None) == (row["uid"] == bad)
            if png:
                depth = decode_depth(png, row["scale"], row["offset"])
                assert depth.shape == (24, 32) and depth[:, 0] == pytest.approx(1, abs=1e-3)


def test_a_shard_without_what_is_read_is_lost_alone_and_named(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    (place / "layers/caption/says/000001.parquet").unlink()
    tells = Asked({"safety": "tests.pipelines.toy_annotators:Tells"}, reads={"caption": "says"})
    result = annotate(str(place), tells, local=True)
    assert result.done == 2 and not result.nothing_worked
    assert result.lost == {
        1: f"it has no layer caption/says: run humanverse annotate {place} caption={TOYS}:Says first",
    }


def test_a_damaged_tar_costs_its_shard(place: Path) -> None:
    (place / "images/000001.tar").write_bytes(b"")
    result = annotate(str(place), asked("caption", "Says"), local=True)
    assert (result.done, list(result.lost)) == (2, [1])
    assert "run humanverse verify" in result.lost[1]


def test_when_every_row_fails_nothing_worked(place: Path) -> None:
    result = annotate(str(place), asked("caption", "Raises", "bad", uid=""), local=True)
    assert result.rows == {"caption/bad": {"failed": 21}}
    assert result.nothing_worked


def test_layers_of_a_build_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    with serve_web(tmp_path / "web", 20) as web:
        build(
            [str(web / "urls.parquet")],
            str(tmp_path / "d"),
            load(path=web / "recipe.yaml"),
            local=True,
            allow_private=True,
        )
        layers = ("person/ssd-mobilenet-v2", "quality/pixels", "depth/none")
        built = {layer: tables(tmp_path / "d", layer) for layer in layers}
        cards = {layer: dict(Dataset(str(tmp_path / "d")).layer_card(layer)) for layer in layers}
        drop(str(tmp_path / "d"), "quality=pixels")
        again = build([str(web / "urls.parquet")], str(tmp_path / "d"), load(path=web / "recipe.yaml"), local=True)
        assert (again.committed, again.lacking) == (0, {"quality/pixels": "quality=pixels"})
    shutil.rmtree(tmp_path / "d" / "layers")
    result = annotate(str(tmp_path / "d"), Asked({"person": None, "quality": None, "depth": None}), local=True)
    assert set(result.layers) == set(layers) and not result.lost
    assert {layer: tables(tmp_path / "d", layer) for layer in layers} == built
    made = {layer: dict(Dataset(str(tmp_path / "d")).layer_card(layer)) for layer in layers}
    assert all({**made[layer], "time": ""} == {**cards[layer], "time": ""} for layer in layers)
    assert all(list(made[layer]) == list(cards[layer]) for layer in layers)


def test_what_comes_after_compact_fits_it(place: Path) -> None:
    gone = uid_of(place, 0, 2)
    write(Dataset(str(place)).store, Tombstones(frozenset([gone])), "asked to")
    compact(str(place))
    annotate(str(place), asked("caption", "Says"), local=True)
    assert sorted(tables(place, "caption/says")) == ["000000.g1.parquet", "000001.parquet", "000002.parquet"]
    assert len(rows(place, "caption/says")) == 20
    assert [item for item in verify(Dataset(str(place))).findings if item.level == "problem"] == []


def test_nothing_temporary_stays(place: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    assert not [path for path in place.rglob(".tmp/**/*") if path.is_file()]


def test_a_dataset_without_samples_and_one_without_shards(tmp_path: Path) -> None:
    make_dataset(tmp_path / "none", shards=1, per_shard=0)
    result = annotate(str(tmp_path / "none"), asked("caption", "Says"), local=True)
    assert (result.done, result.rows, result.nothing_worked) == (1, {"caption/says": {}}, False)
    assert verify(Dataset(str(tmp_path / "none"))).findings == ()
    make_dataset(tmp_path / "empty", shards=0, planned_shards=2)
    with pytest.raises(UserError, match="has no committed shard: build it first"):
        annotate(str(tmp_path / "empty"), asked("caption", "Says"), local=True)


def test_workers_alone_take_a_cpu_each(place: Path) -> None:
    dataset = Dataset(str(place))
    assert resources_of(dataset, None).annotate.cpus == 0.95
    on_gpu = resources_of(dataset, "cuda:1")
    assert (on_gpu.device, on_gpu.annotate.gpus, on_gpu.annotate.cpus) == ("cuda:1", 1.0, 0.4)
    with pytest.raises(UserError, match=r"^--device tpu: give cpu, cuda"):
        resources_of(dataset, "tpu")
