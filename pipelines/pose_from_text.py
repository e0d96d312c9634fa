"""Text to pose: ``humanverse.retrieval.find_poses`` with the models that it needs, and what is shown meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.errors import UserError
from humanverse.loading.settings import CAPTION, SOURCE, kind_of
from humanverse.plurals import plural
from pipelines.progress import Counts, Display, Local, pace

if TYPE_CHECKING:
    from humanverse.retrieval import Embedder, FoundPose, People

TEXT_ENCODER = "minilm"
KEPT = "caption-vectors"
"""Folder of ``annotators.cache.cache_root()`` for vectors of captions."""
EMBEDDING = "embedding"
_HEARTBEAT_S = 600.0


def find_poses(
    url: str,
    prompts: Sequence[str],
    *,
    pose: str = "pose",
    captions: Sequence[str] | None = None,
    view: str | None = None,
    n: int = 1,
    least: int | None = None,
    seed: int = 0,
    people: int | People | None = None,
    weights: str | None = None,
) -> list[list[FoundPose]]:
    """Skeletons for prompts: see ``humanverse.retrieval.find.find_poses``.

    Captions are compared by all-MiniLM-L6-v2, which is fetched the first time (84 MB), and their vectors kept in the cache; an
    embedding layer by the text tower of the model that made it.

    Args:
        url: of the dataset.
        weights: the user's own with which an embedding layer was made.

    Raises:
        UserError: for whatever the user can mend.
    """
    from annotators.cache import cache_root
    from humanverse import retrieval

    dataset = Dataset(url)
    selection = dataset.select(view)
    embedder = _embedder(selection, captions, weights)
    count = Local()
    with Display("searching", len(dataset.shards()), 0, count.counts, _HEARTBEAT_S, unit="shards", note=_note):
        return retrieval.find_poses(
            dataset,
            prompts,
            embedder=embedder,
            pose=pose,
            captions=captions,
            view=selection,
            n=n,
            least=least,
            seed=seed,
            people=people,
            keep_vectors=cache_root() / KEPT,
            done=lambda samples: count(rows=1, samples=samples),
        )


def _note(counts: Counts, rate: float) -> str:
    return f"{pace(rate, 'shard')} · {plural(counts.get('samples', 0), 'sample')}"


def _embedder(selection: Selection, captions: Sequence[str] | None, weights: str | None) -> Embedder:
    """What makes vectors for ``captions``.

    Raises:
        UserError: if there is none, or its weights cannot be had.
    """
    layer = captions[0] if captions else SOURCE
    kind = kind_of(layer)
    if kind not in _EMBEDDERS:
        raise UserError(
            f"prompts cannot be compared with {layer}: give {', '.join(_EMBEDDERS)}, or a layer of these kinds"
        )
    return _EMBEDDERS[kind](selection, layer, weights)


def _of_texts(selection: Selection, layer: str, weights: str | None) -> Embedder:
    from annotators import text_encoders
    from humanverse.retrieval.sentence_model import SentenceModel

    if weights is not None:
        raise UserError("weights are given for an embedding layer alone: leave them out, or name one with captions")
    text_encoders.require_transformers()
    encoder = text_encoders.get(TEXT_ENCODER)
    return SentenceModel(text_encoders.folder(encoder), f"{encoder.name} {encoder.weight.sha256}")


def _of_pictures(selection: Selection, layer: str, weights: str | None) -> Embedder:
    from annotators.text_towers import TextTower

    full = selection.resolve(layer)
    return TextTower(full.partition("/")[2], selection.dataset.layer_card(full), weights)


_EMBEDDERS: Mapping[str, Callable[[Selection, str, str | None], Embedder]] = {
    SOURCE: _of_texts,
    CAPTION: _of_texts,
    EMBEDDING: _of_pictures,
}
"""By the kind of what prompts are compared with."""
