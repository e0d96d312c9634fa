"""The estimators' report card: every layer that stands beside a ground truth of its kind, with its headline figures.

The layers are compared one after the other, each as ``humanverse compare DATASET KIND NAME TRUTH`` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from humanverse.compare.findings import Headline
from humanverse.compare.run import Comparison, common_shards, compare
from humanverse.compare.truth import find
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from schemas.layers import OK, ROW_FAILED, UNAVAILABLE

Choice = Callable[[Sequence[int]], Mapping[int, Sequence[int]]]


@dataclass(frozen=True)
class Row:
    """One layer against the truth of its kind."""

    comparison: Comparison

    @property
    def layer(self) -> str:
        return self.comparison.a.layer

    @property
    def kind(self) -> str:
        return self.comparison.kind

    @property
    def name(self) -> str:
        return self.layer.partition("/")[2]

    @property
    def headlines(self) -> tuple[Headline, ...]:
        return self.comparison.findings.headlines

    @property
    def covered(self) -> float | None:
        """Of the truth's people, points or pixels the share that the layer has too; None for kinds where that means nothing."""
        return self.comparison.findings.covered

    @property
    def compared(self) -> int:
        """Pictures."""
        return self.comparison.compared

    @property
    def failed(self) -> int:
        """Rows of status failed, of pictures of which truth says something."""
        return self.comparison.statuses.get((ROW_FAILED, OK), 0)

    @property
    def unavailable(self) -> int:
        """Rows of status unavailable, of pictures of which truth says something."""
        return self.comparison.statuses.get((UNAVAILABLE, OK), 0)

    @property
    def given(self) -> tuple[str, ...]:
        """Layers of ground truth that the layer was made from: it did not have to find that out."""
        return self.comparison.truths_read


@dataclass(frozen=True)
class Card:
    """All of them.

    Attributes:
        truths: kind -> the layer that is right.
        rows: kind by kind.
        left_out: layer -> why it could not be compared.
    """

    url: str
    view: str | None
    truths: Mapping[str, str]
    rows: tuple[Row, ...]
    left_out: Mapping[str, str]


def card(
    dataset: Dataset,
    truth: str | None = None,
    view: str | None = None,
    choose: Choice | None = None,
    done: Callable[[int], None] = lambda samples: None,
) -> Card:
    """Compare every layer with the truth of its kind.

    Args:
        truth: the name of the truth, see ``truth.find``.
        view: compare only this view's samples.
        choose: given the shards that have both layers, of each the positions (among the view's samples) of those to compare; all
            are if it is not given.
        done: told, for each layer, the number of samples of each finished shard.

    Raises:
        UserError: if there is nothing to judge, no such view, or no layer could be compared; what is damaged is left out.
    """
    judging = find(dataset, truth)
    dataset.select(view)
    rows: list[Row] = []
    left_out: dict[str, UserError] = {}
    for layer, right in judging.judged:
        kind, name, reference = *layer.split("/", 1), right.partition("/")[2]
        try:
            only = choose(common_shards(dataset, kind, name, reference)[0]) if choose else None
            rows.append(Row(compare(dataset, kind, name, reference, 0, view, done, only)))
        except UserError as error:
            left_out[layer] = error
    if not rows:
        raise next(iter(left_out.values()))
    told = {layer: str(error) for layer, error in left_out.items()}
    return Card(dataset.store.url, view, judging.truths, tuple(rows), told)
