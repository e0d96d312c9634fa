"""The job ``synth``: an ordinary dataset, the same however it was made."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import humanverse
from humanverse.codec.maps import decode_depth, decode_normal, decode_segmentation
from humanverse.dataset.extent import Extent
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.synth import SynthSettings, body, sample
from pipelines import synth as job
from pipelines.build import build
from pipelines.cli import app
from pipelines.drop import drop
from pipelines.stages import render
from pipelines.synth import restore, synth
from schemas import recipe
from tests.datasets import make_dataset
from tests.humanverse.synth.pictures import photographs

SETTINGS = SynthSettings(size=96, device="cpu")
N = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("synth") / "people"
    result = synth(str(place), N, 3, SETTINGS, shard_size=2, local=True)
    assert (result.committed, result.counts["kept"], result.lost) == (3, N, {})
    return place


def contents(place: Path) -> dict[str, bytes]:
    files = (path for folder in ("images", "layers", "ledger") for path in sorted((place / folder).rglob("*.*")))
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files if path.name != "layer.json"}


def test_verify_finds_nothing(made):
    found = verify(humanverse.open(str(made)))
    assert found.problems == []
    assert found.samples == N


def test_layers_hold_what_the_sample_says(made):
    dataset = humanverse.open(str(made))
    samples = [one for shard in dataset.shards() for one in dataset.images(shard).to_pylist()]
    assert [one["row"] for one in samples] == list(range(N))
    assert [one["url"] for one in samples] == [f"synth:3/{index}" for index in range(N)]
    own = sample(3, 0, SETTINGS)
    row = {
        kind: dataset.layer(f"{kind}/truth", 0).to_pylist()[0]
        for kind in ("person", "pose", "depth", "normal", "segmentation", "caption")
    }
    assert row["person"]["boxes"] == [person.box.tolist() for person in own.people]
    points = np.array(row["pose"]["keypoints"]).reshape(-1, 133, 3)
    assert np.allclose(points, [person.points for person in own.people], atol=1e-3)
    assert row["caption"]["text"] == samples[0]["caption"]
    assert (row["depth"]["depth_kind"], row["depth"]["unit"]) == ("metric", "m")
    maps = {kind: _png(made, kind, row[kind]) for kind in ("depth", "normal", "segmentation")}
    depth = decode_depth(maps["depth"], row["depth"]["scale"], row["depth"]["offset"])
    assert np.allclose(depth, own.depth, atol=1e-3, equal_nan=True)
    assert np.allclose(decode_normal(maps["normal"]), own.normal, atol=0.02, equal_nan=True)
    assert np.array_equal(decode_segmentation(maps["segmentation"]), own.labels)
    matrix = np.array(samples[0]["synth_intrinsics"]).reshape(3, 3)
    assert np.allclose(matrix, own.camera.matrix)


def _png(place: Path, kind: str, row: dict) -> bytes:
    with (place / f"layers/{kind}/truth/000000.tar").open("rb") as tar:
        tar.seek(row["map_offset"])
        return tar.read(row["map_size"])


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(made, tmp_path, monkeypatch):
    place = tmp_path / "people"
    process = render.Render.process

    def fails_in_the_middle(self, item):
        if item.number == 1:
            raise KeyboardInterrupt
        return process(self, item)

    monkeypatch.setattr(render.Render, "process", fails_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        synth(str(place), N, 3, SETTINGS, shard_size=2, local=True)
    monkeypatch.undo()
    assert humanverse.open(str(place)).shards() == [0]
    result = synth(str(place), N, 3, SETTINGS, shard_size=2, local=True)
    assert (result.before, result.committed) == (1, 2)
    assert contents(place) == contents(made)
    again = synth(str(place), N, 3, SETTINGS, shard_size=2, local=True)
    assert (again.before, again.committed) == (3, 0)


def test_truth_that_was_lost_is_made_again(made, tmp_path):
    place = tmp_path / "people here"
    shutil.copytree(made, place)
    drop(str(place), "pose=truth", force=True)
    (place / "layers/depth/truth/000001.parquet").unlink()
    dataset = humanverse.open(str(place))
    told = f"humanverse synth '{place}' --n {N} --seed 3 --size 96 --max-people 3 --shard-size 2"
    assert status(dataset).rendered_by == {"depth/truth": told, "pose/truth": told}
    assert status(dataset).completed_by == {}
    said = [finding.message for finding in verify(dataset).findings]
    assert sum(told in message for message in said) == 2 and not any("annotate" in message for message in said)
    synth(str(place), N, 3, SETTINGS, shard_size=2, local=True)
    assert contents(place) == contents(made)
    assert not verify(humanverse.open(str(place))).findings
    assert restore(humanverse.open(str(place)), 3, SETTINGS, Extent(N, 2)) == []


def test_truth_of_other_pictures_is_not_written(made, tmp_path, monkeypatch):
    place = tmp_path / "people"
    shutil.copytree(made, place)
    (place / "layers/depth/truth/000001.parquet").unlink()
    monkeypatch.setattr(job, "QUALITY", 50)
    with pytest.raises(UserError, match="made otherwise here"):
        restore(humanverse.open(str(place)), 3, SETTINGS, Extent(N, 2))
    assert not (place / "layers/depth/truth/000001.parquet").exists()


def test_samples_do_not_depend_on_how_shards_are_cut(made, tmp_path):
    place = tmp_path / "people"
    synth(str(place), 3, 3, SETTINGS, shard_size=3, local=True)
    hashes = [
        [one["sha256"] for shard in dataset.shards() for one in dataset.images(shard).to_pylist()][:3]
        for dataset in (humanverse.open(str(made)), humanverse.open(str(place)))
    ]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"n": N + 1}, "has 5 pictures of seed 3: give --n 5, or a new place"),
        ({"seed": 4}, "was made with --seed 3: give the same, or a new place"),
        (
            {"n": 9, "shard_size": 3, "settings": SynthSettings(size=128, max_people=1, device="cpu")},
            "was made with --n 5, --size 96, --max-people 3, --shard-size 2: give the same, or a new place",
        ),
    ],
)
def test_other_options_are_refused_and_named(made, changed, told):
    given = {"n": N, "seed": 3, "settings": SETTINGS, "shard_size": 2, **changed}
    with pytest.raises(UserError) as refused:
        synth(str(made), **given, local=True)
    assert str(refused.value) == f"{made} {told}"


def test_synthetic_people_and_photographs_do_not_mix(made, tmp_path):
    photographs(tmp_path)
    with pytest.raises(UserError, match=r"people is a dataset of synthetic people: give a new place$"):
        build([str(tmp_path)], str(made), recipe.load(), local=True)
    make_dataset(tmp_path / "d", shards=1)
    with pytest.raises(UserError, match=r"d is no dataset of synthetic people: give a new place$"):
        synth(str(tmp_path / "d"), 1, 0, SETTINGS, local=True)


def test_a_gpu_that_is_not_there_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(body.ready_warp(), "is_cuda_available", lambda: False)
    monkeypatch.setattr(body, "cached", lambda: pytest.fail("too late"))
    with pytest.raises(UserError, match="finds no GPU here"):
        synth(str(tmp_path / "people"), 1, 0, SynthSettings(size=96, device="cuda"))
    assert not (tmp_path / "people").exists()


def test_backgrounds_that_are_not_there_are_told(tmp_path):
    (tmp_path / "file").touch()
    for name, told in (("nope", "there is no such folder"), ("file", "is a file"), (".", "no pictures")):
        settings = SynthSettings(size=96, backgrounds=str(tmp_path / name), device="cpu")
        with pytest.raises(UserError, match=told):
            synth(str(tmp_path / "people"), 1, 0, settings)


def test_wrong_numbers_are_refused(tmp_path):
    for given, named in (
        ({"n": 0}, "--n 0"),
        ({"n": 1, "seed": -1}, "--seed -1"),
        ({"n": 1, "shard_size": 0}, "--shard-size 0"),
    ):
        with pytest.raises(UserError, match=named):
            synth(str(tmp_path / "people"), **given)
    assert not (tmp_path / "people").exists()


def test_photographs_count_by_names_and_sizes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir(), second.mkdir()
    places = [photographs(first), photographs(second)]
    settings = [SynthSettings(size=96, backgrounds=str(place), device="cpu") for place in places]
    out = str(tmp_path / "people")
    synth(out, 1, 0, settings[0], local=True)
    assert synth(out, 1, 0, settings[1], local=True).before == 1
    (places[1] / "more.jpg").write_bytes((places[1] / "0.jpg").read_bytes())
    from humanverse.synth.backdrops import photographs as listed

    listed.cache_clear()
    with pytest.raises(UserError, match="made with --backgrounds of 2 photographs other than these: give the same"):
        synth(out, 1, 0, settings[1], local=True)
    with pytest.raises(UserError, match="made with --backgrounds of 2 photographs: give the same"):
        synth(out, 1, 0, SETTINGS, local=True)


def test_status_and_stats_read_it(made):
    runner = CliRunner()
    for command in ("status", "stats"):
        said = runner.invoke(app, [command, str(made), "--json"])
        assert said.exit_code == 0, said.output
        assert isinstance(json.loads(said.stdout), dict)


def test_the_command_and_its_one_line_errors(tmp_path):
    out = tmp_path / "people"
    command = [str(Path(sys.executable).parent / "humanverse")]
    done = subprocess.run([*command, "synth", str(out), "--n", "1", "--size", "20"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "size" in done.stderr
    done = subprocess.run(
        [*command, "synth", str(out), "--n", "1", "--size", "64", "--local", "--device", "cpu", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == {"kept": 1}


@pytest.mark.slow
def test_workers_make_the_same_bytes(made, tmp_path):
    place = tmp_path / "people"
    synth(str(place), N, 3, SETTINGS, shard_size=2, workers=2)
    assert contents(place) == contents(made)
