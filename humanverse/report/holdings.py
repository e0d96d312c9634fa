"""How many samples each shard serves, and under which licences, as the source states them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.status import over_shards
from humanverse.report.wording import clean

LICENCE = re.compile(r"licen[cs]e", re.IGNORECASE)
TOLD_APART = 200
"""Distinct licences that are counted by name, so that memory stays bounded; further ones are counted together."""
OTHER = "others"
NOT_STATED = "not stated"


@dataclass
class Holdings:
    """What the committed shards serve.

    Attributes:
        samples: shard number -> samples, tombstoned ones left out.
        licences: source column -> samples by its value.
    """

    samples: dict[int, int] = field(default_factory=dict)
    licences: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.samples.values())

    def add(self, shard: int, samples: int, licences: dict[str, Counter[str]]) -> None:
        self.samples[shard] = samples
        for column, values in licences.items():
            known = self.licences.setdefault(column, Counter())
            for value, rows in values.most_common():
                known[value if value in known or len(known) < TOLD_APART else OTHER] += rows


def _licences(table: pa.Table) -> dict[str, Counter[str]]:
    columns = [name for name in table.column_names if LICENCE.search(name)]
    return {
        name: Counter(
            clean(value) if value not in (None, "") else NOT_STATED for value in table.column(name).to_pylist()
        )
        for name in columns
    }


def read(dataset: Dataset, selection: Selection | None = None) -> Holdings:
    """One pass over the images tables; of what the view has, if one is given."""
    selection, shards = selection or dataset.select(None), dataset.shards()

    def one(shard: int) -> tuple[int, dict[str, Counter[str]]]:
        table = selection.read(shard).images
        return table.num_rows, _licences(table)

    held = Holdings()
    for start in range(0, len(shards), TOLD_APART):
        some = shards[start : start + TOLD_APART]
        for shard, (samples, licences) in zip(some, over_shards(one, some), strict=True):
            held.add(shard, samples, licences)
    return held
