"""Vectors of captions, kept between searches in a folder of the user's: never in the dataset.

A file for each shard, layer and model. It names samples by uid and texts by their SHA-256, so that a caption that has changed is
embedded anew, and what is forgotten leaves the file the next time that its shard is searched. The folder can be deleted any time.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from humanverse.scratch import Scratch

STORED = np.float16
"""A cosine changes by less than 0.001, and a vector takes half the space."""


@dataclass(frozen=True)
class _File:
    """What is kept of a shard.

    Attributes:
        uids: S32 (n,).
        of: int64 (n,), each sample's place among ``digests``.
        digests: S32 (m,), of the texts.
        vectors: float16 (m, width).
    """

    uids: np.ndarray
    of: np.ndarray
    digests: np.ndarray
    vectors: np.ndarray


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).hexdigest()[:32].encode()


class Keeper:
    """The kept vectors of one caption layer, by one model.

    Args:
        folder: of all vectors; None keeps nothing.
        parts: what tells this layer and model from others.
    """

    def __init__(self, folder: Path | None, *parts: str) -> None:
        self._folder = folder and folder / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def vectors(
        self,
        shard: int,
        samples: Sequence[tuple[str, int]],
        texts: Sequence[str],
        dead: Collection[str],
        embed: Callable[[Sequence[str]], np.ndarray],
    ) -> np.ndarray:
        """Vectors of ``texts``, float16 (texts, width): those that are kept, else made and then kept.

        Args:
            shard: that the samples are in.
            samples: uid, and place of its text among ``texts``.
            texts: all different.
            dead: uids of which nothing may be kept.
            embed: makes vectors of texts.
        """
        held = self._read(shard)
        digests = [_digest(text) for text in texts]
        there = {digest: place for place, digest in enumerate(held.digests.tolist())} if held else {}
        new = [place for place, digest in enumerate(digests) if digest not in there]
        made = embed([texts[place] for place in new]).astype(STORED) if new else None
        width = made.shape[1] if made is not None else held.vectors.shape[1] if held else 0
        vectors = np.zeros((len(texts), width), STORED)
        for place, digest in enumerate(digests):
            if held and digest in there:
                vectors[place] = held.vectors[there[digest]]
        if made is not None:
            vectors[new] = made
        gone = np.array([uid for uid in (held.uids.tolist() if held else ()) if uid.decode() in dead], "S32")
        if new or len(gone):
            uids = np.array([uid for uid, _ in samples], "S32")
            of = np.array([place for _, place in samples], np.int64)
            self._write(shard, _merged(held, _File(uids, of, np.array(digests, "S32"), vectors), gone))
        return vectors

    def _path(self, shard: int) -> Path | None:
        return self._folder and self._folder / f"{shard:09d}.npz"

    def _read(self, shard: int) -> _File | None:
        """What is kept of a shard; None if that is nothing, or cannot be read."""
        path = self._path(shard)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = _File(*(stored[name] for name in _File.__dataclass_fields__))
            return found if len(found.uids) == len(found.of) and len(found.digests) == len(found.vectors) else None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _write(self, shard: int, kept: _File) -> None:
        path = self._path(shard)
        if path is None:
            return
        scratch = Scratch(path.parent, ".part-")
        try:
            with scratch.path.open("wb") as file:
                np.savez(file, **{name: getattr(kept, name) for name in _File.__dataclass_fields__})
            scratch.path.replace(path)
        finally:
            scratch.close()


def _merged(held: _File | None, now: _File, gone: np.ndarray) -> _File:
    """What is to be kept: the samples of now, and of those held before the others that are not gone, with their texts alone."""
    if held is None:
        return now
    stay = np.flatnonzero(~np.isin(held.uids, np.concatenate([gone, now.uids])))
    digests = np.concatenate([now.digests, held.digests[held.of[stay]]])
    vectors = np.concatenate([now.vectors, held.vectors[held.of[stay]]])
    of = np.concatenate([now.of, len(now.digests) + np.arange(len(stay))])
    unique, first, place = np.unique(digests, return_index=True, return_inverse=True)
    return _File(np.concatenate([now.uids, held.uids[stay]]), place[of], unique, vectors[first])
