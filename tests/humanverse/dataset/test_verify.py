"""Each way to break a dataset is found and named by its path, and nothing else is reported."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import humanverse
from humanverse.codec.maps import encode_depth
from humanverse.dataset import layout, verify
from humanverse.dataset.commit import commit, write_layer
from humanverse.dataset.create import declare_layer
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.verify import NOTE, PROBLEM
from pipelines.drop import drop
from schemas.provenance import fingerprint
from tests.datasets import HEIGHT, LAYERS, WIDTH, cards, make_dataset, make_shard
from tests.humanverse.dataset import damage
from tests.humanverse.dataset.findings import found, messages

LEDGER, IMAGES, TAR = "ledger/000001.parquet", "images/000001.parquet", "images/000001.tar"
PERSON, POSE, CAPTION, DEPTH = (f"layers/{layer}/000001.parquet" for layer in LAYERS)
DEPTH_TAR = "layers/depth/test/000001.tar"
PERSON_CARD, POSE_CARD = "layers/person/test/layer.json", "layers/pose/test/layer.json"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "d"
    make_dataset(path, shards=2, per_shard=3)
    return path


@pytest.fixture
def broken(sound: Path, tmp_path: Path) -> Path:
    """A copy of a sound dataset, to break."""
    return Path(shutil.copytree(sound, tmp_path / "d"))


def swapped(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [members[1], members[0], *members[2:]]


def misnamed(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [("0" * 32 + members[0][0][32:], members[0][1]), *members[1:]]


def people(value: float) -> dict[str, list[list[float]]]:
    return {"boxes": [[80.0, 60.0, 160.0, 210.0], [200.0, 40.0, value, 200.0]]}


def with_exif(jpeg: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "somebody's secret"
    sink = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.save(sink, "JPEG", exif=exif, quality=90)
    return sink.getvalue()


def with_comment(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe\x00\x06note" + jpeg[2:]


def store_instead(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Replace the first picture of shard 1, with places and hashes that fit."""
    places = damage.members(folder / TAR, lambda old: [(old[0][0], change(old[0][1])), *old[1:]])
    jpeg = (folder / TAR).read_bytes()[places[0].offset : places[0].offset + places[0].size]
    damage.cell(folder / IMAGES, 0, jpg_sha256=hashlib.sha256(jpeg).hexdigest())
    for row, place in enumerate(places):
        damage.cell(folder / IMAGES, row, jpg_offset=place.offset, jpg_size=place.size)


def keypoints(confidence: float) -> list[list[float]]:
    return [[10.0, 10.0, confidence] * 133] * 2


def bad_tombstones(folder: Path) -> None:
    (folder / "tombstones").mkdir()
    (folder / "tombstones/0.parquet").write_bytes(b"damaged")


BREAKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "ledger: flipped byte": (LEDGER, lambda d: damage.flip(d / LEDGER, 60)),
    "ledger: truncated": (LEDGER, lambda d: damage.cut(d / LEDGER, 100)),
    "ledger: empty file": (LEDGER, lambda d: (d / LEDGER).write_bytes(b"")),
    "ledger: a row is missing": (LEDGER, lambda d: damage.take(d / LEDGER, [0, 1, 2, 3, 4])),
    "ledger: a row twice": (LEDGER, lambda d: damage.take(d / LEDGER, [0, 1, 2, 3, 4, 4, 5])),
    "ledger: swapped rows": (LEDGER, lambda d: damage.take(d / LEDGER, [0, 1, 2, 4, 3, 5])),
    "ledger: swapped kept rows": (LEDGER, lambda d: damage.take(d / LEDGER, [1, 0, 2, 3, 4, 5])),
    "ledger: unknown status": (LEDGER, lambda d: damage.cell(d / LEDGER, 3, status="lost")),
    "ledger: unknown reason": (LEDGER, lambda d: damage.cell(d / LEDGER, 3, reason="bad_luck")),
    "ledger: reason of another status": (LEDGER, lambda d: damage.cell(d / LEDGER, 3, reason="too_small")),
    "ledger: failed without a reason": (LEDGER, lambda d: damage.cell(d / LEDGER, 3, reason=None)),
    "ledger: kept with a reason": (LEDGER, lambda d: damage.cell(d / LEDGER, 0, reason="timeout")),
    "ledger: wrong uid": (LEDGER, lambda d: damage.cell(d / LEDGER, 1, uid="0" * 32)),
    "ledger: a column is missing": (
        LEDGER,
        lambda d: damage.table(d / LEDGER, lambda t: t.drop_columns(["ms"])),
    ),
    "ledger: a strange column": (
        LEDGER,
        lambda d: damage.table(d / LEDGER, lambda t: t.append_column("extra", pa.nulls(t.num_rows))),
    ),
    "images: flipped byte": (IMAGES, lambda d: damage.flip(d / IMAGES, 60)),
    "images: truncated": (IMAGES, lambda d: damage.cut(d / IMAGES, 1)),
    "images: missing": (IMAGES, lambda d: (d / IMAGES).unlink()),
    "images: swapped rows": (IMAGES, lambda d: damage.take(d / IMAGES, [1, 0, 2])),
    "images: a row is missing": (IMAGES, lambda d: damage.take(d / IMAGES, [0, 1])),
    "images: wrong uid": (IMAGES, lambda d: damage.cell(d / IMAGES, 0, uid="0" * 32)),
    "images: wrong source row": (IMAGES, lambda d: damage.cell(d / IMAGES, 0, row=7)),
    "images: wrong sha256": (IMAGES, lambda d: damage.cell(d / IMAGES, 0, sha256="0" * 64)),
    "images: wrong jpg_offset": (IMAGES, lambda d: damage.cell(d / IMAGES, 1, jpg_offset=512)),
    "images: wrong jpg_size": (IMAGES, lambda d: damage.cell(d / IMAGES, 1, jpg_size=9)),
    "images: wrong width": (IMAGES, lambda d: damage.cell(d / IMAGES, 1, width=WIDTH + 1)),
    "images: box without area": (
        IMAGES,
        lambda d: damage.cell(d / IMAGES, 1, original_box=[5.0, 0.0, 5.0, 9.0]),
    ),
    "images: another type": (
        IMAGES,
        lambda d: damage.table(
            d / IMAGES,
            lambda t: t.set_column(4, pa.field("width", pa.int64(), False), t.column(4).cast(pa.int64())),
        ),
    ),
    "tar: flipped byte in a picture": (TAR, lambda d: damage.flip(d / TAR, 2000)),
    "tar: flipped byte in a header": (TAR, lambda d: damage.flip(d / TAR, 3)),
    "tar: flipped byte in the end mark": (TAR, lambda d: damage.flip(d / TAR, -1)),
    "tar: truncated": (TAR, lambda d: damage.cut(d / TAR, 12_000)),
    "tar: end mark missing": (TAR, lambda d: damage.cut(d / TAR, 1024)),
    "tar: longer than written": (
        TAR,
        lambda d: (d / TAR).write_bytes((d / TAR).read_bytes() + b"\0" * 10_240),
    ),
    "tar: missing": (TAR, lambda d: (d / TAR).unlink()),
    "tar: swapped members": (TAR, lambda d: damage.members(d / TAR, swapped)),
    "tar: a member is missing": (TAR, lambda d: damage.members(d / TAR, lambda old: old[:2])),
    "tar: a member twice": (TAR, lambda d: damage.members(d / TAR, lambda old: [*old, old[2]])),
    "tar: wrong name": (TAR, lambda d: damage.members(d / TAR, misnamed)),
    "tar: ../ member": (TAR, lambda d: damage.foreign_member(d / TAR, "../outside.jpg")),
    "tar: absolute member": (TAR, lambda d: damage.foreign_member(d / TAR, "/etc/outside.jpg")),
    "tar: EXIF in a picture": (TAR, lambda d: store_instead(d, with_exif)),
    "tar: comment in a picture": (TAR, lambda d: store_instead(d, with_comment)),
    "tar: something after a picture": (TAR, lambda d: store_instead(d, lambda jpeg: jpeg + b"more")),
    "tar: not a JPEG": (TAR, lambda d: store_instead(d, lambda jpeg: b"GIF89a")),
    "layer: missing": (POSE, lambda d: (d / POSE).unlink()),
    "layer: flipped byte": (CAPTION, lambda d: damage.flip(d / CAPTION, 60)),
    "layer: truncated": (CAPTION, lambda d: damage.cut(d / CAPTION, 5)),
    "layer: swapped rows": (CAPTION, lambda d: damage.take(d / CAPTION, [1, 0, 2])),
    "layer: a row is missing": (DEPTH, lambda d: damage.take(d / DEPTH, [0, 1])),
    "layer: of another kind": (CAPTION, lambda d: shutil.copy(d / PERSON, d / CAPTION)),
    "layer: unknown status": (CAPTION, lambda d: damage.cell(d / CAPTION, 0, status="maybe")),
    "layer: failed with values": (
        CAPTION,
        lambda d: damage.cell(d / CAPTION, 0, status="failed", reason="x"),
    ),
    "layer: failed without reason": (
        CAPTION,
        lambda d: damage.cell(d / CAPTION, 0, status="failed", text=None, language=None, method=None),
    ),
    "layer: ok without a value": (CAPTION, lambda d: damage.cell(d / CAPTION, 0, text=None)),
    "person: score above 1": (PERSON, lambda d: damage.cell(d / PERSON, 0, scores=[1.5, 0.25])),
    "person: score not a number": (
        PERSON,
        lambda d: damage.cell(d / PERSON, 0, union_area_ratio=float("nan")),
    ),
    "person: box outside": (PERSON, lambda d: damage.cell(d / PERSON, 2, **people(WIDTH + 1.0))),
    "person: box inside out": (PERSON, lambda d: damage.cell(d / PERSON, 2, **people(190.0))),
    "person: not best first": (PERSON, lambda d: damage.cell(d / PERSON, 0, scores=[0.1, 0.9])),
    "person: fewer scores than boxes": (PERSON, lambda d: damage.cell(d / PERSON, 0, scores=[0.9])),
    "person: fewer areas than boxes": (PERSON, lambda d: damage.cell(d / PERSON, 0, areas=[5.0])),
    "person: area below 0": (PERSON, lambda d: damage.cell(d / PERSON, 0, areas=[5.0, -1.0])),
    "person: more crowds than boxes": (PERSON, lambda d: damage.cell(d / PERSON, 0, crowd=[True, False, True])),
    "pose: other people": (
        POSE,
        lambda d: damage.cell(d / POSE, 0, keypoints=[[1.0] * 399], present=[[True] * 133], scores=[0.9]),
    ),
    "pose: too few present": (POSE, lambda d: damage.cell(d / POSE, 0, present=[[True] * 133])),
    "pose: confidence above 1": (POSE, lambda d: damage.cell(d / POSE, 0, keypoints=keypoints(1.2))),
    "pose: confidence where nobody looked": (
        POSE,
        lambda d: damage.cell(d / POSE, 0, present=[[True] * 133, [False] * 133]),
    ),
    "map: tar missing": (DEPTH_TAR, lambda d: (d / DEPTH_TAR).unlink()),
    "map: a member is missing": (DEPTH_TAR, lambda d: damage.members(d / DEPTH_TAR, lambda old: old[1:])),
    "map: swapped members": (DEPTH_TAR, lambda d: damage.members(d / DEPTH_TAR, swapped)),
    "map: flipped byte": (DEPTH_TAR, lambda d: damage.flip(d / DEPTH_TAR, 512 + 60)),
    "map: wrong place": (DEPTH, lambda d: damage.cell(d / DEPTH, 1, map_offset=512)),
    "map: wrong size": (DEPTH, lambda d: damage.cell(d / DEPTH, 1, map_width=65)),
    "map: covers more than the picture": (
        DEPTH,
        lambda d: damage.cell(d / DEPTH, 1, map_box=[0.0, 0.0, WIDTH, HEIGHT + 2.0]),
    ),
    "card: missing": (PERSON_CARD, lambda d: (d / PERSON_CARD).unlink()),
    "card: not JSON": (PERSON_CARD, lambda d: (d / PERSON_CARD).write_text("{")),
    "card: not an object": (PERSON_CARD, lambda d: (d / PERSON_CARD).write_text("[]")),
    "card: no fingerprint": (PERSON_CARD, lambda d: damage.card(d / PERSON_CARD, fingerprint=None)),
    "card: wrong fingerprint": (PERSON_CARD, lambda d: damage.card(d / PERSON_CARD, fingerprint="0" * 64)),
    "card: other settings": (PERSON_CARD, lambda d: damage.card(d / PERSON_CARD, settings={"floor": 1})),
    "card: no model": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, model=None)),
    "card: no reads": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, reads=None)),
    "card: reads without its needs": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, reads={})),
    "card: reads no mapping": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, reads=["person/test"])),
    "card: truth not said": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, truth="yes")),
    "card: of another folder": (POSE_CARD, lambda d: damage.card(d / POSE_CARD, layer="pose/other")),
    "card: of another layer": (POSE_CARD, lambda d: shutil.copy(d / PERSON_CARD, d / POSE_CARD)),
    "source: missing": (layout.SOURCE, lambda d: (d / layout.SOURCE).unlink()),
    "source: no rows": (layout.SOURCE, lambda d: damage.card(d / layout.SOURCE, rows=None)),
    "recipe: not a recipe": (layout.RECIPE, lambda d: (d / layout.RECIPE).write_text("gate: 7")),
    "tombstones: damaged": (
        "tombstones/0.parquet",
        bad_tombstones,
    ),
}


def test_a_sound_dataset_gives_no_finding(sound: Path) -> None:
    seen: list[int] = []
    report = verify.verify(humanverse.open(str(sound)), seen.append)
    assert report == verify.Report(shards=2, rows=12, samples=6, findings=())
    assert report.sound
    assert seen == [0, 1]


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_found_and_nothing_else(broken: Path, name: str) -> None:
    path, break_it = BREAKS[name]
    break_it(broken)
    assert set(found(broken)) == {(PROBLEM, path)}


def test_no_flipped_byte_of_a_tar_goes_unseen(broken: Path) -> None:
    chosen = random.Random(0)
    for path in (TAR, DEPTH_TAR):
        intact = (broken / path).read_bytes()
        for _ in range(15):
            damage.flip(broken / path, chosen.randrange(len(intact)))
            assert set(found(broken)) == {(PROBLEM, path)}
            (broken / path).write_bytes(intact)


def test_no_flipped_byte_makes_verify_raise(broken: Path) -> None:
    chosen = random.Random(1)
    for path in (LEDGER, IMAGES, POSE):
        intact = (broken / path).read_bytes()
        for _ in range(15):
            damage.flip(broken / path, chosen.randrange(len(intact)))
            assert {where for _, where in found(broken)} <= {path}
            (broken / path).write_bytes(intact)


def test_one_finding_speaks_for_many_rows(broken: Path) -> None:
    for row in range(3):
        damage.cell(broken / CAPTION, row, text=None)
    assert "is ok without text (and 2 further rows)" in messages(broken)


def test_a_layer_made_from_another_than_is_there(broken: Path) -> None:
    entries = cards()["pose/test"] | {"needs": {"person": "12" * 32}}
    damage.card(broken / POSE_CARD, needs=entries["needs"], fingerprint=fingerprint(entries))
    assert found(broken) == [(PROBLEM, POSE_CARD)]
    assert "was made from another person/test than is there" in messages(broken)


def test_a_layer_made_from_one_that_was_dropped_is_a_note(broken: Path) -> None:
    facts = {**cards()["person/test"], "name": "old"}
    store = humanverse.open(str(broken)).store
    declare_layer(store, "person/old", {**facts, "fingerprint": fingerprint(facts)})
    for number in range(2):
        write_layer(store, "person/old", number, make_shard(number, 6 * number, 3, {}, {}).layers["person/test"])
    made = cards()["pose/test"] | {"needs": {"person": fingerprint(facts)}, "reads": {"person": "person/old"}}
    damage.card(broken / POSE_CARD, needs=made["needs"], reads=made["reads"], fingerprint=fingerprint(made))
    assert found(broken) == []
    drop(str(broken), "person=old", force=True)
    assert found(broken) == [(NOTE, POSE_CARD)]
    assert "was made from person/old, which is not there any more" in messages(broken)


def test_scores_may_have_another_range_where_the_card_says_so(broken: Path) -> None:
    damage.cell(broken / PERSON, 0, scores=[7.5, 0.25])
    damage.card(broken / PERSON_CARD, score_range=[0, 10])
    assert found(broken) == []


def test_leftovers_of_a_kill_are_notes(broken: Path) -> None:
    (broken / ".tmp").mkdir(exist_ok=True)
    (broken / ".tmp/abc").write_bytes(b"half")
    (broken / LEDGER).unlink()
    report = verify.verify(humanverse.open(str(broken)))
    assert report.sound
    left = {IMAGES, TAR, PERSON, POSE, CAPTION, DEPTH, DEPTH_TAR}
    assert {(finding.level, finding.path) for finding in report.findings} == {
        (NOTE, path) for path in (*left, ".tmp/abc", "ledger")
    }


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt",
        "images/1.jpg",
        "images/1.tar",
        "ledger/000001.tar",
        "layers/caption/test/000001.tar",
        "x/y",
    ],
)
def test_strays_are_notes(broken: Path, path: str) -> None:
    (broken / path).parent.mkdir(exist_ok=True)
    (broken / path).write_bytes(b"stray")
    assert found(broken) == [(NOTE, path)]


@pytest.mark.parametrize("name", ["1.parquet", "0000001.parquet", "²²²²²².parquet"])
def test_only_a_shards_own_name_is_a_shard(broken: Path, name: str) -> None:
    shutil.copy(broken / LEDGER, broken / "ledger" / name)
    assert humanverse.open(str(broken)).shards() == [0, 1]
    assert found(broken) == [(NOTE, f"ledger/{name}")]


def test_a_shard_that_the_source_does_not_have(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1, per_shard=2)
    commit(store, make_shard(1, 5, 2, {}, {}))
    assert found(tmp_path / "d") == [(PROBLEM, LEDGER)]
    assert "the source has no such shard" in messages(tmp_path / "d")


def test_other_source_columns_than_most_shards(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=3, per_shard=1, columns={"licence": "CC0"})
    commit(store, make_shard(2, 8, 1, {}, {}))
    assert found(tmp_path / "d") == [(PROBLEM, "images/000002.parquet")]


def test_shards_to_come_are_a_note(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, planned_shards=3)
    assert found(tmp_path / "d") == [(NOTE, "ledger")]
    assert "2 of 3 shards are not committed yet" in messages(tmp_path / "d")


def test_what_is_forgotten_and_still_in_the_files_is_a_note(broken: Path) -> None:
    dataset = humanverse.open(str(broken))
    known = dataset.images(0).column("uid")[0].as_py()
    dataset.store.write("tombstones/1.parquet", parquet_bytes(pa.table({"uid": ["0" * 32]})))
    assert found(broken) == []
    dataset.store.write("tombstones/0.parquet", parquet_bytes(pa.table({"uid": [known]})))
    assert found(broken) == [(NOTE, "tombstones/0.parquet")]


def test_maps_are_read_one_at_a_time(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=0, planned_shards=1, per_shard=4)
    shard = make_shard(0, 0, 4, {}, {})
    noise = np.random.default_rng(0).random((1000, 1000), np.float32)
    depth = shard.layers["depth/test"]
    maps = pa.array([encode_depth(noise)[0]] * 4, pa.large_binary())
    shard.layers["depth/test"] = depth.set_column(depth.num_columns - 1, "map", maps)
    commit(store, shard)
    tracemalloc.start()
    verify.verify(humanverse.open(str(tmp_path / "d")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.8 * store.size("layers/depth/test/000000.tar")


def test_the_same_bytes_twice_are_sound_only_where_the_recipe_keeps_duplicates(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=0, per_shard=2, planned_shards=1)
    shard = make_shard(0, 0, 2, {}, {})
    both = [0, 0]
    rows = shard.images.column("row")
    shard.images = shard.images.take(both).set_column(1, shard.images.schema.field("row"), rows)
    shard.layers = {name: layer.take(both) for name, layer in shard.layers.items()}
    uids = pa.array([*shard.uids, None, None, None])
    shard.ledger = shard.ledger.set_column(5, shard.ledger.schema.field("uid"), uids)
    commit(store, shard)
    assert found(tmp_path / "d") == [(PROBLEM, "images/000000.parquet")]
    recipe = store.read("recipe.yaml").replace(b"drop_duplicates: true", b"drop_duplicates: false")
    store.write("recipe.yaml", recipe)
    assert found(tmp_path / "d") == []
