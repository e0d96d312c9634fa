"""The whole job: what comes out, that every engine gives the same, and that it goes on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from annotators.weights import WeightError
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.build import Result, build
from schemas.images import RESERVED
from schemas.recipe import load
from tests.compare import assert_identical, contents
from tests.pipelines.web import SHARD_SIZE, serve_web

COUNT = 26


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve_web(tmp_path_factory.mktemp("web"), COUNT) as folder:
        yield folder


@pytest.fixture(scope="module")
def built(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("built") / "people"
    run(web, target, local=True)
    return target


def run(web: Path, target: Path, **options: object) -> Result:
    recipe = load(path=web / "recipe.yaml")
    return build([str(web / "urls.parquet")], str(target), recipe, allow_private=True, **options)  # type: ignore[arg-type]


def test_every_row_is_in_the_ledger_once_and_the_dataset_is_sound(built: Path) -> None:
    dataset = humanverse.open(str(built))
    rows = [row for shard in dataset.shards() for row in dataset.ledger(shard).to_pylist()]
    assert [row["row"] for row in rows] == list(range(COUNT))
    by_row = {row["row"]: (row["status"], row["reason"]) for row in rows}
    assert by_row[0] == ("kept", None)
    assert by_row[1] == ("rejected", "duplicate")
    assert by_row[3] == ("failed", "corrupt")
    assert by_row[4] == ("rejected", "too_small")
    assert by_row[5] == ("failed", "http_4xx")
    report = verify(dataset)
    assert report.findings == ()
    assert report.rows == COUNT
    assert report.samples == sum(row["status"] == "kept" for row in rows) > 5


def test_samples_carry_their_source_columns_and_layers(built: Path) -> None:
    dataset = humanverse.open(str(built))
    samples = list(dataset.samples(layers=["person", "quality", "depth"]))
    assert len(samples) == len(dataset) == len({sample.uid for sample in samples})
    for sample in samples:
        number = sample.columns["row"]
        assert sample.columns["caption"] == f"picture {number}"
        assert sample.columns["similarity"] == pytest.approx(number / 100)
        assert sample.image.shape == (sample.columns["height"], sample.columns["width"], 3)
        assert sample.layers["quality"]["status"] == "ok"
        assert sample.layers["depth"]["status"] == "unavailable"
        assert sample.layers["depth"]["reason"]


def test_columns_of_any_name_pass_through(web: Path, tmp_path: Path) -> None:
    """Names of ours, of the tables on their way through a build, and of img2dataset's bookkeeping."""
    names = ("jpeg", "map", "uid", "drifted", "phash", "reason", "shard", "key", "status", "error_message")
    urls = pq.read_table(web / "urls.parquet").column("url").slice(0, 3)
    pq.write_table(pa.table({"url": urls, **{name: ["text"] * 3 for name in names}}), tmp_path / "urls.parquet")
    recipe = load(path=web / "recipe.yaml")
    result = build([str(tmp_path / "urls.parquet")], str(tmp_path / "x"), recipe, local=True, allow_private=True)
    assert result.lost == {}
    sample = next(iter(humanverse.open(str(tmp_path / "x"))))
    ours = {name: f"source_{name}" if name in RESERVED else name for name in names}
    assert {name: sample.columns[name] for name in ours.values()} == dict.fromkeys(ours.values(), "text")
    assert verify(humanverse.open(str(tmp_path / "x"))).findings == ()


def test_ray_with_one_and_two_workers_gives_what_one_process_gives(web: Path, built: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        target = tmp_path / str(workers)
        result = run(web, target, workers=workers)
        assert (result.committed, result.lost) == (-(-COUNT // SHARD_SIZE), {})
        assert_identical(target, built)


def test_a_second_run_does_only_what_is_not_committed(web: Path, built: Path, tmp_path: Path) -> None:
    target = tmp_path / "people"
    shutil.copytree(built, target)
    for file in ("ledger/000002.parquet", "images/000002.parquet", "layers/quality/pixels/000002.parquet"):
        (target / file).unlink()
    stamps = {path: path.stat().st_mtime_ns for path in target.rglob("*.parquet")}
    result = run(web, target, local=True)
    assert (result.before, result.committed) == (result.planned - 1, 1)
    assert_identical(target, built)
    redone = {path.parts[-1] for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp}
    assert redone == {"000002.parquet"}


def test_nothing_is_done_when_all_is_committed(web: Path, built: Path) -> None:
    before = contents(built)
    result = run(web, built, local=True)
    assert (result.before, result.committed, result.lost) == (result.planned, 0, {})
    assert not result.nothing_worked
    assert contents(built) == before


def test_another_recipe_or_source_is_refused_and_named(web: Path, built: Path) -> None:
    recipe = load(path=web / "recipe.yaml", overrides={"gate": {"min_side": 33}})
    with pytest.raises(UserError, match=r"another recipe \(gate.min_side: 32 -> 33\)"):
        build([str(web / "urls.parquet")], str(built), recipe, local=True)
    (web / "other.txt").write_text("http://127.0.0.1:9/x.jpg\n")
    with pytest.raises(UserError, match="another source"):
        build([str(web / "other.txt")], str(built), load(path=web / "recipe.yaml"), local=True)


def test_a_shard_whose_estimator_cannot_start_is_an_error_and_not_an_empty_dataset(web: Path, tmp_path: Path) -> None:
    recipe = load(path=web / "recipe.yaml", overrides={"annotators": {"quality": {"name": "nobody"}}})
    with pytest.raises(UserError, match="no annotator quality=nobody"):
        build([str(web / "urls.parquet")], str(tmp_path / "x"), recipe, local=True)
    assert not (tmp_path / "x").exists()


def test_pools_that_do_not_fit_are_refused_before_the_start(web: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give fewer --workers"):
        run(web, tmp_path / "x", workers=500)


def test_when_nothing_can_be_fetched_the_result_says_so(tmp_path: Path, web: Path) -> None:
    (tmp_path / "dead.txt").write_text("http://127.0.0.1:9/1.jpg\nhttp://127.0.0.1:9/2.jpg\n")
    recipe = load(path=web / "recipe.yaml")
    result = build([str(tmp_path / "dead.txt")], str(tmp_path / "x"), recipe, local=True, allow_private=True)
    assert result.nothing_worked
    assert status(humanverse.open(str(tmp_path / "x"))).failed == {"connect": 2}


def test_private_addresses_are_refused_unless_allowed(web: Path, tmp_path: Path) -> None:
    recipe = load(path=web / "recipe.yaml")
    build([str(web / "urls.parquet")], str(tmp_path / "x"), recipe, local=True)
    assert status(humanverse.open(str(tmp_path / "x"))).failed == {"private_address": COUNT}


def test_a_folder_of_pictures_is_a_source_too(tmp_path: Path, web: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        shutil.copy(web / f"{(0, 2, 8)[number]}.jpg", folder / f"{number}.jpg")
    (folder / "1.txt").write_text("the middle one")
    result = build([str(folder)], str(tmp_path / "x"), load(path=web / "recipe.yaml"), local=True)
    assert result.counts["kept"] == 3
    samples = list(humanverse.open(str(tmp_path / "x")))
    assert [sample.columns["caption"] for sample in samples] == [None, "the middle one", None]
    assert np.array_equal(samples[0].image.shape, (96, 96, 3))


def test_a_shard_whose_urls_all_fail_alike_is_not_committed_and_can_be_done_later(web: Path, tmp_path: Path) -> None:
    recipe = load(path=web / "recipe.yaml", overrides={"source": {"shard_size": 100}})
    source, target = [str(web / "urls.parquet")], str(tmp_path / "x")
    refused = build(source, target, recipe, local=True)
    assert refused.nothing_worked
    assert refused.lost == {
        0: f"all {COUNT} URLs failed with private_address: give --allow-private if these servers are meant "
        "(if not, set fetch.all_failed_from to null), and run again"
    }
    assert build(source, target, recipe, local=True, allow_private=True).counts["kept"] > 5


def test_bad_urls_do_not_hide_that_all_others_failed_alike(
    web: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = [f"http://127.0.0.1:9/{number}.jpg" for number in range(22)] + ["", "ftp://h/1.jpg", "http://", "data:,"]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    source, target = [str(tmp_path / "urls.txt")], str(tmp_path / "x")
    wide = {"source": {"shard_size": 100}}
    refused = build(source, target, load(path=web / "recipe.yaml", overrides=wide), local=True)
    assert "all 22 URLs failed with private_address: give --allow-private" in refused.lost[0]
    assert "rows failed with private_address" not in capsys.readouterr().err
    sure = load(path=web / "recipe.yaml", overrides={**wide, "fetch": {"all_failed_from": None}})
    assert build(source, target, sure, local=True).failures["private_address"] == 22
    line = "22 rows failed with private_address: --retry private_address --allow-private tries them again, if they are meant"
    assert line in capsys.readouterr().err.splitlines()


def test_a_wrong_source_is_told_before_any_weights_are_fetched(
    web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    recipe = load(path=web / "recipe.yaml")
    with pytest.raises(UserError, match=r"nowhere\.parquet"):
        build([str(web / "nowhere.parquet")], str(tmp_path / "x"), recipe, local=True)
    with pytest.raises(WeightError, match="HUMANVERSE_OFFLINE"):
        build([str(web / "urls.parquet")], str(tmp_path / "x"), recipe, local=True)


def test_a_shard_of_dead_urls_is_committed_when_the_recipe_says_so(tmp_path: Path, web: Path) -> None:
    (tmp_path / "dead.txt").write_text("".join(f"http://127.0.0.1:9/{number}.jpg\n" for number in range(30)))
    source, target = [str(tmp_path / "dead.txt")], str(tmp_path / "x")
    careful = load(path=web / "recipe.yaml", overrides={"source": {"shard_size": 100}})
    assert build(source, target, careful, local=True, allow_private=True).committed == 0
    sure = load(path=web / "recipe.yaml", overrides={"source": {"shard_size": 100}, "fetch": {"all_failed_from": None}})
    result = build(source, target, sure, local=True, allow_private=True)
    assert (result.committed, result.failures) == (1, {"connect": 30})


def test_a_build_that_cannot_start_leaves_nothing_behind(web: Path, tmp_path: Path) -> None:
    recipe = load(path=web / "recipe.yaml", overrides={"resources": {"gate": {"gpus": 1}}})
    with pytest.raises(UserError, match="GPU"):
        build([str(web / "urls.parquet")], str(tmp_path / "x"), recipe)
    assert not (tmp_path / "x").exists()


def test_samples_and_datasets_print_short(built: Path) -> None:
    dataset = humanverse.open(str(built))
    assert repr(dataset) == f"Dataset({str(built)!r})"
    assert len(repr(next(dataset.samples(layers=["person"])))) < 200
