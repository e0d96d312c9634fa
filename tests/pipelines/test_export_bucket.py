"""An export into a bucket is what an export on a disk is, and is brought up to date there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.export.record import exports, holding
from humanverse.export.state import STATE
from humanverse.storage import Store
from pipelines.export import export
from tests.bucket import bucket_here
from tests.datasets import make_dataset

pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with bucket_here() as url:
        yield url


def files(place: str) -> dict[str, bytes]:
    """All files but the one that has a time in it."""
    store = Store(place)
    return {path: store.read(path) for path, _ in store.walk() if path != STATE and not path.endswith("croissant.json")}


@pytest.mark.parametrize("format", ["webdataset", "coco", "hf"])
def test_a_bucket_gets_what_a_disk_gets(bucket: str, tmp_path: Path, format: str) -> None:
    store = make_dataset(tmp_path / "people")
    place = f"{bucket}/{format}"
    export(str(tmp_path / "people"), place, format)
    gone = next(Dataset(str(tmp_path / "people")).samples()).uid
    tombstones.write(store, Tombstones(frozenset({gone})), "asked")
    again = export(str(tmp_path / "people"), place, format)
    assert (again.samples, again.written) == (5, 1)
    export(str(tmp_path / "people"), str(tmp_path / "out"), format)
    assert files(place) == files(str(tmp_path / "out"))
    record = next(item for item in exports(Dataset(str(tmp_path / "people"))) if item.out == place)
    assert holding(record, {gone}) == set()


def test_a_dataset_in_a_bucket_is_exported(bucket: str, tmp_path: Path) -> None:
    make_dataset(tmp_path / "people")
    local, remote = Store(tmp_path / "people"), Store(f"{bucket}/people")
    for path, _ in local.walk():
        remote.write(path, local.read(path))
    export(f"{bucket}/people", str(tmp_path / "from-bucket"), "webdataset")
    export(str(tmp_path / "people"), str(tmp_path / "from-disk"), "webdataset")
    assert files(str(tmp_path / "from-bucket")) == files(str(tmp_path / "from-disk"))
    assert remote.exists("exports/000000.json")
