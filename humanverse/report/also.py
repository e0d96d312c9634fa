"""What a dataset has besides the shards of its source, where it has any: retries, merges, views, block-lists in force."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from humanverse.blocklists.reading import file_name
from humanverse.dataset.create import difference
from humanverse.dataset.merges import Merge, read_merges
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Pass
from humanverse.dataset.status import Status
from humanverse.errors import DatasetError
from humanverse.report.wording import clean, count, without_password
from schemas.recipe import FetchSettings


@dataclass(frozen=True)
class RetryLine:
    """One retry: its number (from 0), reasons, rows, committed of its shards, and how it fetched otherwise than the build."""

    number: int
    reasons: str
    rows: int
    shards: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class MergeLine:
    """One merge: its number (from 0), the other dataset's name, rows, committed of its shards, and layers that it brought."""

    number: int
    name: str
    rows: int
    shards: str
    layers: str


@dataclass(frozen=True)
class ViewLine:
    """One filter or expression of a view, and how many samples it left out when the view was made.

    Attributes:
        left_out: None if nobody counted, or the view is damaged.
        unseen: committed shards that the view cannot be read with.
    """

    view: str
    filter: str
    left_out: int | None
    unseen: int


@dataclass(frozen=True)
class ListLine:
    """One block-list in force: its kind, the name of its file, and how many entries it has."""

    kind: str
    name: str
    entries: int


@dataclass(frozen=True)
class Also:
    """All of them; false if there is none."""

    retries: tuple[RetryLine, ...]
    merges: tuple[MergeLine, ...]
    views: tuple[ViewLine, ...]
    lists: tuple[ListLine, ...]

    def __bool__(self) -> bool:
        return bool(self.retries or self.merges or self.views or self.lists)


def read(dataset: Dataset, found: Status) -> Also:
    """What there is.

    Args:
        found: the dataset's status.

    Raises:
        DatasetError: if the plan of a retry or a merge is damaged.
    """
    committed = frozenset(dataset.shards())
    return Also(
        tuple(_retry(*item, dataset.recipe.fetch, committed) for item in enumerate(dataset.passes())),
        tuple(_merge(*item, committed) for item in enumerate(read_merges(dataset.store))),
        tuple(line for name, unseen in found.views.items() for line in _view(dataset, name, unseen)),
        tuple(
            ListLine(item["kind"], clean(file_name(item["path"]), limit=80), item["entries"])
            for item in found.block_lists or ()
        ),
    )


def _settings(fetch: FetchSettings) -> dict[str, Any]:
    settings = fetch.model_dump(mode="json")
    return settings | {"proxy": without_password(fetch.proxy) if fetch.proxy else None}


def _retry(number: int, one: Pass, fetch: FetchSettings, committed: Container[int]) -> RetryLine:
    before, now = _settings(fetch), _settings(one.fetch)
    changed = [difference(before[name], now[name], name) for name in now]
    done = len(one.shards) - len(one.unfinished(committed))
    return RetryLine(
        number,
        ", ".join(one.reasons),
        one.rows,
        f"{count(done)}/{count(len(one.shards))}",
        tuple(clean(text) for text in changed if text),
    )


def _merge(number: int, one: Merge, committed: Container[int]) -> MergeLine:
    done = len(one.shards) - len(one.unfinished(committed))
    shards = f"{count(done)}/{count(len(one.shards))}"
    return MergeLine(number, clean(file_name(one.url), limit=80), one.rows, shards, ", ".join(one.layers.values()))


def _view(dataset: Dataset, name: str, unseen: int) -> Sequence[ViewLine]:
    try:
        view = dataset.view(name)
    except DatasetError:
        return [ViewLine(name, "damaged", None, unseen)]
    counts = view.card.counts
    if counts:
        lines = [
            ViewLine(name, clean(step.step, limit=200), step.left_out + step.said_nothing, unseen)
            for step in counts.steps
        ]
    else:
        lines = [ViewLine(name, item.name, sum(item.card.left_out.values()), unseen) for item in view.filters]
        lines += [ViewLine(name, clean(text, limit=200), None, unseen) for text in view.card.where]
    return lines or [ViewLine(name, "none", 0, unseen)]
