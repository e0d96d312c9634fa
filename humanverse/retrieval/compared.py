"""What a prompt is compared with, by kind: the source's captions and caption layers as texts, or embedding layers of pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from humanverse.dataset.selection import Part, Selection
from humanverse.errors import UserError
from humanverse.loading.settings import CAPTION, SOURCE, kind_of
from humanverse.retrieval.embedder import Embedder
from humanverse.retrieval.vectors_kept import Keeper
from schemas.layers import OK

EMBEDDING = "embedding"


@dataclass(frozen=True)
class Said:
    """What a layer says of the samples of a shard, as vectors.

    Attributes:
        of: int64 (samples,), each one's place among ``vectors``; -1 where nothing is said.
        vectors: float (n, width), of length 1.
        texts: of each sample, what is told of it; None where that is nothing.
    """

    of: np.ndarray
    vectors: np.ndarray
    texts: Sequence[str | None]

    def scores(self, prompts: np.ndarray) -> np.ndarray:
        """Cosines, float32 (samples, prompts); -inf where nothing is said.

        Args:
            prompts: float32 (prompts, width).

        Raises:
            UserError: if the prompts' vectors are not of the same width.
        """
        found = np.full((len(self.of), len(prompts)), -np.inf, np.float32)
        told = np.flatnonzero(self.of >= 0)
        if not len(told):
            return found
        if self.vectors.shape[1] != prompts.shape[1]:
            raise UserError(
                f"the vectors to be compared have {self.vectors.shape[1]} numbers, those of the prompts "
                f"{prompts.shape[1]}: they are of different models"
            )
        found[told] = (self.vectors.astype(np.float32) @ prompts.T)[self.of[told]]
        return found


class Compared(Protocol):
    """A layer that prompts are compared with.

    Attributes:
        layer: ``source``, or ``<kind>/<name>``.
    """

    layer: str

    def said(self, part: Part) -> Said:
        """What it says of the samples of a shard."""


Column = Callable[[Part, str], pa.ChunkedArray]


def _of_source(part: Part, layer: str) -> pa.ChunkedArray:
    return part.images.column("caption")


def _of_layer(part: Part, layer: str) -> pa.ChunkedArray:
    return part.layer(layer, ["text"]).column("text")


_TEXTS: Mapping[str, Column] = {SOURCE: _of_source, CAPTION: _of_layer}


class Texts:
    """Captions: ``Compared``.

    Args:
        layer: ``source`` or a caption layer.
        embedder: of texts.
        keeper: of its vectors.
    """

    def __init__(self, layer: str, embedder: Embedder, keeper: Keeper) -> None:
        self.layer, self._embedder, self._keeper = layer, embedder, keeper

    def said(self, part: Part) -> Said:
        """See ``Compared``."""
        raw = _TEXTS[kind_of(self.layer)](part, self.layer).to_pylist()
        texts = [(text or "").strip() or None for text in raw]
        unique = list(dict.fromkeys(text for text in texts if text))
        places = {text: place for place, text in enumerate(unique)}
        of = np.array([places[text] if text else -1 for text in texts], np.int64)
        uids = part.images.column("uid").to_pylist()
        samples = [(uid, place) for uid, place in zip(uids, of.tolist(), strict=True) if place >= 0]
        dead = part.selection.dataset.tombstones
        return Said(of, self._keeper.vectors(part.shard, samples, unique, dead, self._embedder), texts)


class Pictures:
    """Stored vectors of pictures: ``Compared``. What is told of a picture is the source's caption.

    Args:
        layer: an embedding layer.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def said(self, part: Part) -> Said:
        """See ``Compared``."""
        table = part.layer(self.layer, ["status", "vector"])
        status = table.column("status").to_numpy(zero_copy_only=False)
        told = np.flatnonzero(status == OK)
        vectors = table.column("vector").take(pa.array(told)).combine_chunks()
        of = np.full(len(status), -1, np.int64)
        of[told] = np.arange(len(told))
        flat = vectors.flatten().to_numpy(zero_copy_only=False)
        texts = part.images.column("caption").to_pylist()
        return Said(of, flat.reshape(len(told), -1) if len(told) else np.zeros((0, 0), np.float32), texts)


def resolved(selection: Selection, layers: Sequence[str] | None, shards: Sequence[int]) -> list[str]:
    """The layers to compare with, in full.

    Args:
        layers: ``source``, caption layers, or one embedding layer; None for the source's captions and all caption layers that are
            there in all of ``shards``; of a view that names one, that one.

    Raises:
        UserError: if there is no such layer, or they cannot be compared with one and the same model.
    """
    if layers is None:
        pinned = selection.pins.get(CAPTION)
        all_of_them = [pinned] if pinned else selection.dataset.layers()
        captions = [name for name in all_of_them if kind_of(name) == CAPTION]
        return [*(name for name in captions if selection.dataset.layer_shards(name) >= set(shards)), SOURCE]
    known = (SOURCE, CAPTION, EMBEDDING)
    kinds = [kind_of(layer) for layer in layers]
    for layer, kind in zip(layers, kinds, strict=True):
        if kind not in known:
            raise UserError(f"prompts cannot be compared with {layer}: give {SOURCE}, a caption or an embedding layer")
    if not layers or (EMBEDDING in kinds and len(layers) > 1):
        raise UserError("prompts are compared with captions, or with one embedding layer: give one or more of one kind")
    return [layer if layer == SOURCE else selection.resolve(layer) for layer in layers]


def compared(layer: str, embedder: Embedder, keeper: Keeper) -> Compared:
    """What compares prompts with ``layer``, as ``resolved`` names it."""
    return Pictures(layer) if kind_of(layer) == EMBEDDING else Texts(layer, embedder, keeper)
