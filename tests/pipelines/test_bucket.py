"""A build into an S3 bucket gives what a build on a disk gives, and is read by range requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import humanverse
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.storage import Store
from pipelines.annotate import annotate
from pipelines.build import build
from pipelines.compact import compact
from pipelines.dedup import dedup
from pipelines.drop import drop
from pipelines.forget import Request, forget
from pipelines.plan_layers import Asked
from schemas.recipe import load
from tests.bucket import bucket_here
from tests.compare import assert_identical
from tests.datasets import make_dataset
from tests.pipelines.web import make_web, write_recipe
from tests.servers import free_port, serve_folder
from tests.similar import hashes, similar_dataset

pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with bucket_here() as url:
        yield url


def test_a_bucket_gets_the_same_dataset_as_a_disk(bucket: str, tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    with serve_folder(web) as base:
        source = str(make_web(web, base, 14))
        recipe = load(path=write_recipe(web))
        build([source], str(tmp_path / "disk"), recipe, local=True, allow_private=True)
        build([source], f"{bucket}/people", recipe, workers=1, allow_private=True)
        again = build([source], f"{bucket}/people", recipe, local=True, allow_private=True)
    assert (again.before, again.committed) == (again.planned, 0)
    dataset = humanverse.open(f"{bucket}/people")
    assert verify(dataset).findings == ()
    on_disk = list(humanverse.open(str(tmp_path / "disk")))
    assert [sample.uid for sample in dataset] == [sample.uid for sample in on_disk]
    row = dataset.images(0).to_pylist()[0]
    assert dataset.jpeg(0, row) == on_disk[0].jpeg
    _download(dataset.store, tmp_path / "copy")
    assert_identical(tmp_path / "copy", tmp_path / "disk")


def test_views_are_made_again_in_a_bucket(bucket: str) -> None:
    url = f"{bucket}/alike"
    (alike,) = hashes(1)
    similar_dataset(url, [[{"picture": seed, "phash": alike} for seed in range(2)]] * 2)
    for _ in range(4):
        assert dedup(url).left_out == 3
        assert verify(humanverse.open(url)).findings == ()
    assert [item.columns["row"] for item in humanverse.open(url).samples(view="dedup")] == [0]


def test_what_is_forgotten_leaves_a_bucket(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanverse.dataset.tombstones.FRESH_S", -1.0)
    url = f"{bucket}/forgets"
    make_dataset(url, shards=2, per_shard=3)
    dataset = humanverse.open(url)
    samples = list(dataset)
    reading = dataset.samples(["depth"])
    assert next(reading).uid == samples[0].uid
    forget(url, Request(uids=(samples[1].uid,)))
    done = compact(url)
    assert (done.rewritten, done.samples, done.checked) == ([0], 1, 1)
    assert not dataset.store.exists("images/000000.tar")
    assert [sample.jpeg for sample in reading] == [sample.jpeg for sample in samples[2:]]
    assert [sample.uid for sample in humanverse.open(url)] == [samples[index].uid for index in (0, 2, 3, 4, 5)]
    assert verify(humanverse.open(url)).findings == ()


def test_layers_are_added_in_a_bucket_and_dropped(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/annotated"
    make_dataset(url, shards=2, per_shard=3)
    make_dataset(tmp_path / "d", shards=2, per_shard=3)
    before = dict(Store(url).walk())
    for place in (url, str(tmp_path / "d")):
        assert annotate(place, Asked({"quality": None}), local=True).rows == {"quality/pixels": {"ok": 6}}
    for number in range(2):
        name = f"layers/quality/pixels/{number:06d}.parquet"
        assert Store(url).read(name) == (tmp_path / "d" / name).read_bytes()
    assert verify(humanverse.open(url)).findings == ()
    assert annotate(url, Asked({"quality": None}), local=True).before == 2
    assert drop(url, "quality=pixels").files == 3
    assert dict(Store(url).walk()) == before


def _download(store: Store, folder: Path) -> None:
    for path, _ in store.walk():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(store.read(path))


def test_a_bucket_that_cannot_be_reached_is_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(UserError, match="bucket") as caught:
        humanverse.open(f"{bucket}/people")
    assert "\n" not in str(caught.value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_wrong_credentials_are_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(UserError, match="bucket") as caught:
        humanverse.open(f"{bucket}/elsewhere")
    assert "\n" not in str(caught.value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
