"""What came from other datasets: sound plans, numbers without gaps, and shards that have the rows that were planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from humanverse.dataset import layout
from humanverse.dataset.checks.finding import Finding, problem
from humanverse.dataset.checks.retries import Retries
from humanverse.dataset.extent import Extent
from humanverse.dataset.merges import Merge, Merged, merge_numbers, read_merge
from humanverse.errors import DatasetError
from humanverse.storage import Store


@dataclass
class Merges:
    """The plans.

    Attributes:
        plans: by number, those that can be read.
        whole: whether none is missing or damaged.
        merged: the shards of the plans.
        findings: what is wrong with the plans' own files.
    """

    plans: dict[int, Merge] = field(default_factory=dict)
    whole: bool = True
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.merged = Merged(list(self.plans.values()))


def read(store: Store) -> Merges:
    """Every plan."""
    plans: dict[int, Merge] = {}
    findings: list[Finding] = []
    there = merge_numbers(store)
    for number in range(max(there, default=-1) + 1):
        path = layout.merge(number)
        try:
            plans[number] = read_merge(store, number)
        except DatasetError as error:
            message = "is missing, and later ones are there" if number not in there else str(error)
            findings.append(problem(path, message.partition(f"{path} ")[2] or message))
    return Merges(plans, not findings, findings)


def check(found: Merges, retries: Retries, extent: Extent | None) -> Iterator[Finding]:
    """Shards of retries and merges are numbered without gaps after those of the source; likewise the rows of merges.

    Args:
        extent: of the source; None if that cannot be known.
    """
    if extent is None or not (found.whole and retries.whole):
        return
    plans = {layout.retry_pass(number): one.numbers for number, one in retries.passes.items()}
    plans |= {layout.merge(number): one.numbers for number, one in found.plans.items()}
    ordered = [("", range(extent.shards)), *sorted(plans.items(), key=lambda item: (item[1].start, item[1].stop))]
    for (_, one), (path, following) in pairwise(ordered):
        if following.start != one.stop:
            yield problem(path, f"its shards begin at {following.start}, not at {one.stop}")
    end = extent.rows
    for number, plan in found.plans.items():
        if plan.first_row != end:
            yield problem(layout.merge(number), f"its rows begin at {plan.first_row}, not at {end}")
        end = plan.end_row
