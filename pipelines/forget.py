"""``forget``: samples that are never served again, found by uid, by URL, or by what they look like."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.blocklists.keys import UID_PREFIX, of_source
from humanverse.codec import decode_rgb, prepare
from humanverse.codec.phash import has_detail, phash
from humanverse.dataset import tombstones
from humanverse.dataset.find import Match, Wanted, find, uids_behind
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.errors import UserError
from humanverse.export.record import holders
from humanverse.similar.search import MAX_DISTANCE
from pipelines.progress import Counts, Display, Local
from schemas.ledger import Failure

DISTANCE = 4
_UID = re.compile("[0-9a-f]{32}")
_MAX_PICTURE = 1 << 28
"""Bytes of a picture that is looked for."""


@dataclass(frozen=True)
class Request:
    """What is to be forgotten.

    Attributes:
        uids: of samples.
        urls: as in the source, or as good as (docs/fetching.md says how URLs are compared).
        pictures: files; what looks like one of them.
        distance: bits in which its perceptual hash may differ.
        near: likewise, for what looks like a sample that is found by uid or URL; None looks for none.
        reason: why, in the user's words; kept in the dataset.
    """

    uids: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    pictures: tuple[Path, ...] = ()
    distance: int = DISTANCE
    near: int | None = None
    reason: str = ""


@dataclass
class Result:
    """What ``forget`` found.

    Attributes:
        matches: samples that are forgotten now, or would be in a dry run; a row each.
        unknown: uids, URLs and pictures that no sample was found by. They are not taken in later, pictures excepted.
        already: uids, URLs and pictures of the request that name only what had been forgotten before.
        similar_left: samples that are not forgotten and look like one that is, within ``DISTANCE`` bits.
        tombstones: the file that was written; None if there was nothing to write, or in a dry run.
        exports: places of exports that have some of it.
        exports_unknown: places of exports of which that cannot be known.
        seconds: wall time.
    """

    matches: list[Match]
    unknown: list[str]
    already: int = 0
    similar_left: int = 0
    tombstones: str | None = None
    seconds: float = 0.0
    exports: list[str] = field(default_factory=list)
    exports_unknown: list[str] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """Distinct pictures."""
        return len({match.uid for match in self.matches})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "samples": self.samples, "seconds": round(self.seconds, 3)}


def parse_list(lines: Iterable[str], name: str) -> tuple[list[str], list[str]]:
    """uids and URLs of a list: one per line, empty lines and those that begin with ``#`` left out.

    Raises:
        UserError: if it has neither.
    """
    uids, urls = [], []
    for line in lines:
        text = line.strip().removeprefix("\ufeff")
        if not text or text.startswith("#"):
            continue
        uid = text.removeprefix(UID_PREFIX).lower()
        if _UID.fullmatch(uid):
            uids.append(uid)
        else:
            urls.append(text)
    if not uids and not urls:
        raise UserError(f"{name} has no uid and no URL: give one per line")
    return uids, urls


def read_list(path: str) -> tuple[list[str], list[str]]:
    """``parse_list`` of a file, or of standard input if ``path`` is ``-``.

    Raises:
        UserError: if it cannot be read.
    """
    if path == "-":
        return parse_list(sys.stdin, "standard input")
    try:
        with Path(path).open(encoding="utf-8") as file:
            return parse_list(file, path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: give one uid or URL per line") from error


def forget(url: str, request: Request, dry_run: bool = False) -> Result:
    """Find what ``request`` asks for in all shards of ``url``, and write its tombstones.

    From then on no reader returns it, and no later build takes it in; ``compact`` removes it from the files.

    Args:
        dry_run: only find.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    _check(request)
    dataset = Dataset(url)
    hashes = [_phash_of(path, dataset) for path in request.pictures]
    uids, keys = frozenset(request.uids), {of_source(text): text for text in request.urls}
    before, shards = dataset.forgotten, dataset.shards()
    count = Local()
    with Display("forget", len(shards), 0, count.counts, math.inf, unit="shards", note=_note):
        behind = uids_behind(dataset, keys, shards)
        wanted = Wanted(
            uids, frozenset(keys), frozenset().union(*behind.values()), np.array(hashes, np.uint64), request.distance
        )
        found = [match for part in find(dataset, wanted, shards, forgotten=True) for match in _counted(part, count)]
        looks = np.array(sorted({match.phash for match in found if has_detail(match.phash)}), np.uint64)
        near = Wanted(phashes=looks, distance=DISTANCE if request.near is None else request.near)
        alike = [match for part in find(dataset, near, shards) for match in part] if len(looks) else []
    matches = [match for match in found if match.uid not in before.uids]
    rows = {match.row for match in matches}
    others = [match for match in alike if match.row not in rows]
    if request.near is not None:
        matches, others = [*matches, *others], []
    gone = {match.uid for match in matches}
    known = {key for key, given in behind.items() if given & gone} | before.url_keys
    result = Result(matches, _unknown(request, found, before.uids, keys, known))
    result.already = _already(request, found, before, keys, gone)
    result.similar_left = len({match.uid for match in others} - gone)
    new = Tombstones(
        (uids | gone) - before.uids,
        (frozenset(keys) | {of_source(match.url) for match in matches if match.url}) - before.url_keys,
    )
    if new and not dry_run:
        result.tombstones = tombstones.write(dataset.store, new, request.reason)
        _forget_late(dataset, frozenset(shards), new)
    result.exports, result.exports_unknown = holders(dataset, {*uids, *gone})
    result.seconds = time.monotonic() - started
    return result


def _forget_late(dataset: Dataset, searched: frozenset[int], new: Tombstones) -> None:
    """Forget what the URLs gave in shards that were committed while others were searched."""
    late = [shard for shard in dataset.shards() if shard not in searched]
    uids = frozenset().union(*uids_behind(dataset, new.url_keys, late).values()) - new.uids
    if uids:
        tombstones.write(dataset.store, Tombstones(uids), tombstones.BY_URL)


def _check(request: Request) -> None:
    if any(not text.strip() for text in request.urls):
        raise UserError("an empty URL: give the URL of a picture, or nothing")
    if not (request.uids or request.urls or request.pictures):
        raise UserError("nothing to forget: give --uid, --url, --from-file or --similar-to")
    strange = next((uid for uid in request.uids if not _UID.fullmatch(uid)), None)
    if strange is not None:
        raise UserError(f"{strange!r} is no uid: it has 32 hex digits")
    for name, distance in (("--distance", request.distance), ("--near", request.near)):
        if distance is not None and not 0 <= distance <= MAX_DISTANCE:
            raise UserError(f"{name} {distance}: give 0 to {MAX_DISTANCE} bits")


def _phash_of(path: Path, dataset: Dataset) -> int:
    """The perceptual hash that a picture would have in the dataset.

    Raises:
        UserError: if it cannot be read, or its hash says nothing.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_PICTURE + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    prepared = prepare(data, dataset.recipe.image)
    if isinstance(prepared, Failure):
        raise UserError(f"{path} is no picture that can be compared ({prepared.reason}): give a photograph")
    found = phash(decode_rgb(prepared.jpeg))
    if not has_detail(found):
        raise UserError(f"{path} has too little detail to be told from others by its looks: use --uid or --url")
    return found


def _counted(matches: Sequence[Match], count: Local) -> Sequence[Match]:
    count(rows=1, found=len(matches))
    return matches


def _already(request: Request, found: Sequence[Match], before: Tombstones, keys: dict[int, str], gone: Set[str]) -> int:
    """How many of the uids, URLs and pictures that were asked for name only what had been forgotten.

    Args:
        found: by them, forgotten or not.
        gone: uids that are forgotten now and were not before.
    """
    alive = [match for match in found if match.uid in gone]
    fresh_keys = {of_source(match.url) for match in alive if match.url}
    fresh_pictures = {match.nearest for match in alive}
    old_pictures = {match.nearest for match in found if match.nearest >= 0} - fresh_pictures
    return (
        len(before.uids.intersection(request.uids))
        + len(before.url_keys.intersection(keys) - fresh_keys)
        + len(old_pictures)
    )


def _note(counts: Counts, rate: float) -> str:
    return f"{counts.get('found', 0)} found"


def _unknown(
    request: Request, matches: Sequence[Match], before: Set[str], keys: dict[int, str], known: Set[int]
) -> list[str]:
    """What was asked for and found nowhere, nor forgotten before.

    Args:
        before: uids that had been forgotten.
        keys: of the URLs that were asked for.
        known: keys of URLs that had been forgotten, or gave one of ``matches``.
    """
    uids = {match.uid for match in matches} | before
    nearest = {match.nearest for match in matches if match.nearest >= 0}
    return [
        *(uid for uid in request.uids if uid not in uids),
        *(text for key, text in keys.items() if key not in known),
        *(str(path) for index, path in enumerate(request.pictures) if index not in nearest),
    ]
