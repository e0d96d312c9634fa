"""Find skeletons for prompts among the people of a dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Part, Selection
from humanverse.dataset.tombstones import Watch
from humanverse.dataset.views import View
from humanverse.errors import UserError
from humanverse.plurals import plural
from humanverse.retrieval.compared import Compared, Said, compared, resolved
from humanverse.retrieval.embedder import Embedder, Remembering
from humanverse.retrieval.found import FoundPose
from humanverse.retrieval.people import Poses, Quality, quality
from humanverse.retrieval.people_count import people_in
from humanverse.retrieval.person_words import People
from humanverse.retrieval.vectors_kept import Keeper

AMONG = 4
"""Best samples among which the seed chooses."""
NEAR = 0.05
"""Samples whose score is further than this below the best are not chosen, unless there are too few others."""
ALIKE = 0.02
"""Scores that differ by less than about this count as equal: of them the better skeleton comes first."""
_COLUMNS = ("url", "caption", "width", "height")


@dataclass(frozen=True)
class _Candidate:
    """A sample that a prompt may get; the best have the least ``order``."""

    order: tuple[int, int, float, str]
    found: FoundPose


@dataclass
class _Search:
    """One prompt's best samples so far.

    Attributes:
        wanted: how many people are to be seen.
        keep: of how many samples.
        told: samples of which something is said.
    """

    prompt: str
    wanted: People
    keep: int
    told: int = 0
    best: list[_Candidate] = field(default_factory=list)

    def worth(self, levels: np.ndarray) -> np.ndarray:
        """Which samples could be among the best, the highest level first; positions, int64.

        Args:
            levels: int64 (samples,); below 0 where nothing is said.
        """
        least = -self.best[-1].order[0] if len(self.best) >= self.keep else 0
        there = np.flatnonzero(levels >= least)
        return there[np.argsort(-levels[there], kind="stable")]

    def add(self, candidates: Sequence[_Candidate]) -> None:
        """Take in what is better; of a sample that is in several shards once."""
        ranked = sorted([*self.best, *candidates], key=lambda one: one.order)
        firsts: dict[str, _Candidate] = {}
        for one in ranked:
            firsts.setdefault(one.found.uid, one)
        self.best = list(firsts.values())[: self.keep]


@dataclass(frozen=True)
class _Shard:
    """What is known of a shard's samples.

    Attributes:
        said: by each of the layers.
        scores: float32 (layers, samples, prompts).
        dead: uids of what is forgotten.
    """

    part: Part
    poses: Poses
    said: Sequence[Said]
    scores: np.ndarray
    dead: Collection[str]


def find_poses(
    dataset: Dataset | str,
    prompts: Sequence[str],
    *,
    embedder: Embedder,
    pose: str = "pose",
    captions: Sequence[str] | None = None,
    view: str | View | Selection | None = None,
    n: int = 1,
    least: int | None = None,
    seed: int = 0,
    people: int | People | None = None,
    among: int = AMONG,
    keep_vectors: Path | None = None,
    done: Callable[[int], None] = lambda samples: None,
) -> list[list[FoundPose]]:
    """Skeletons of people of whose pictures something like the prompts is said; of different samples for one prompt.

    Samples are ranked by the cosine between the prompt's vector and the nearest of their captions', or that of their picture;
    of about equal ones first come those in which more body points of everybody are seen, then the surer ones. ``n`` of the best
    ``among`` are drawn by the seed; the same seed gives the same, whatever other prompts there are. Forgotten samples, and those
    that the view does not have, are never found.

    Args:
        dataset: open, or its path or URL.
        prompts: English.
        embedder: of texts; for an embedding layer that of the model that made it.
        pose: the layer of skeletons.
        captions: what to compare with: ``source``, caption layers, or one embedding layer; the source's captions and all caption
            layers if not given.
        view: only samples that it has.
        n: skeletons for each prompt.
        least: how many are enough where there are not as many; ``n`` if not given.
        seed: of the choice, 0 or more.
        people: how many are to be seen; what each prompt says if not given (``people_in``), else at least one. Whoever has fewer
            than ``humanverse.retrieval.people.LEAST_POINTS`` body points is not counted, and left out.
        among: of how many best samples one is chosen; at least ``n``.
        keep_vectors: a folder in which vectors of captions are kept for the next time; None keeps none.
        done: told the number of samples of each shard that was searched.

    Returns:
        For each prompt ``n`` of them, or as many as there are from ``least`` on, in the order drawn.

    Raises:
        UserError: if there is no such layer, nobody is wanted, or too few samples show as many people.
    """
    opened = Dataset(dataset) if isinstance(dataset, str) else dataset
    if n < 1:
        raise UserError(f"{n} skeletons for a prompt cannot be: ask for 1 or more")
    enough = n if least is None else min(max(least, 1), n)
    searches = [_Search(prompt, _wanted(prompt, people), max(n, among)) for prompt in prompts]
    selection, shards = opened.select(view), opened.shards()
    poses = selection.resolve(pose)
    layers = resolved(selection, captions, shards)
    selection.check(shards, [poses, *(layer for layer in layers if "/" in layer)])
    once = Remembering(embedder)
    vectors = np.asarray(once([search.prompt for search in searches]), np.float32) if searches else np.zeros((0, 0))
    url = opened.store.url
    sources = [compared(layer, once, Keeper(keep_vectors, url, layer, embedder.name)) for layer in layers]
    watch = Watch(opened.store)
    forgotten = watch.anew()
    for number in shards:
        part = selection.read(number, _COLUMNS)
        if part.images.num_rows and searches:
            _search(part, poses, sources, vectors, searches, forgotten.uids)
        done(part.images.num_rows)
    dead = watch.anew().uids
    for search in searches:
        search.best = [one for one in search.best if one.found.uid not in dead]
        _check(search, enough, selection, layers, poses)
    return [_drawn(search, n, seed) for search in searches]


def _wanted(prompt: str, people: int | People | None) -> People:
    """How many people a skeleton is to have.

    Raises:
        UserError: for an empty prompt, and for nobody.
    """
    if not prompt.strip():
        raise UserError("an empty prompt finds no skeleton: say what is to be seen")
    given = People(people) if isinstance(people, int) else people
    wanted = given or people_in(prompt) or People(1, at_least=True)
    if wanted.number < 1:
        raise UserError(f"{prompt!r} shows nobody: ask for people, or say how many with people")
    return wanted


def _search(
    part: Part,
    pose: str,
    sources: Sequence[Compared],
    vectors: np.ndarray,
    searches: Sequence[_Search],
    dead: Collection[str],
) -> None:
    """Add what a shard has to the searches."""
    said = [source.said(part) for source in sources]
    shard = _Shard(part, Poses(part, pose), said, np.stack([one.scores(vectors) for one in said]), dead)
    best = shard.scores.max(axis=0)
    levels = np.where(np.isfinite(best), np.round((best + 1) / ALIKE), -1).astype(np.int64)
    for number, search in enumerate(searches):
        search.told += int((levels[:, number] >= 0).sum())
        search.add(_candidates(shard, sources, levels[:, number], number, search))


def _candidates(
    shard: _Shard, sources: Sequence[Compared], levels: np.ndarray, number: int, search: _Search
) -> list[_Candidate]:
    """The best samples of a shard for one prompt: enough of them, and all that are as good as the last."""
    found: list[_Candidate] = []
    for position in search.worth(levels).tolist():
        if len(found) >= search.keep and -found[-1].order[0] > levels[position]:
            break
        people = shard.poses.people(position)
        uid, url = (shard.part.images.column(name)[position].as_py() for name in ("uid", "url"))
        if people and search.wanted.admits(len(people)) and uid not in shard.dead:
            size = shard.poses.size(position)
            place = int(shard.scores[:, position, number].argmax())
            pose = FoundPose(
                dataset=shard.part.selection.dataset.store.url,
                uid=uid,
                url=url,
                shown=shard.said[place].texts[position],
                layer=sources[place].layer,
                pose=shard.poses.layer,
                score=float(shard.scores[place, position, number]),
                size=size,
                people=people,
                prompt=search.prompt,
            )
            found.append(_Candidate(_order(int(levels[position]), quality(people, size), uid), pose))
    return found


def _order(level: int, good: Quality, uid: str) -> tuple[int, int, float, str]:
    return -level, -good[0], -good[1], uid


def _check(search: _Search, least: int, selection: Selection, layers: Sequence[str], pose: str) -> None:
    """Refuse to give fewer than were asked for.

    Raises:
        UserError: saying why there are not more.
    """
    if len(search.best) >= least:
        return
    if not search.told:
        raise UserError(
            f"no sample of {selection.what} has anything to compare a prompt with ({', '.join(layers)}): "
            "name other captions"
        )
    few = f"only {plural(len(search.best), 'shows', 'show')}" if search.best else "none shows"
    raise UserError(
        f"{search.prompt!r}: of {plural(search.told, 'sample')} of {selection.what} that a prompt can be compared with, {few} "
        f"{search.wanted} in {pose}, {least} wanted: say another number of people, or name another dataset or view"
    )


def _drawn(search: _Search, n: int, seed: int) -> list[FoundPose]:
    """``n`` of a prompt's best samples, or as many as there are, by the seed."""
    top = max(one.found.score for one in search.best)
    near = [one for one in search.best if one.found.score >= top - NEAR]
    choice = near if len(near) >= n else search.best[:n]
    own = int.from_bytes(hashlib.sha256(search.prompt.encode()).digest()[:8], "big")
    order = np.random.default_rng([seed, own]).permutation(len(choice))[:n]
    return [choice[place].found for place in order]
