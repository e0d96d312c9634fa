"""Which files of a shard count: those of its highest generation that has a ledger.

Generation 0 is what a build writes; ``compact`` writes a further one beside it, commits it by its ledger, and then deletes the
old files. A reader that finds a file gone looks again, and goes on with the new generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from humanverse.dataset import layout
from humanverse.errors import DatasetError
from humanverse.storage import Store

T = TypeVar("T")


class Gone(DatasetError):
    """A file is not there, or a member is not where a table says: missing, or rewritten meanwhile."""


class Removed(Gone):
    """A sample was forgotten, and is not served."""


def newest(names: Iterable[str]) -> dict[int, int]:
    """Shard number -> its highest generation, of the Parquet files among ``names``."""
    found: dict[int, int] = {}
    for name in names:
        file = layout.shard_file(name)
        if file and file.suffix == "parquet":
            found[file.number] = max(file.generation, found.get(file.number, 0))
    return found


class Generations:
    """The generations of a dataset's shards. Only those that are not 0 are remembered.

    Args:
        store: of the dataset.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._later: dict[int, int] | None = None

    def listed(self) -> list[int]:
        """Numbers of the committed shards as they are now, ascending; their generations are remembered."""
        found = newest(self._store.names(layout.LEDGER))
        self._later = {number: generation for number, generation in found.items() if generation}
        return sorted(found)

    def of(self, shard: int) -> int:
        """The generation of a shard, as of the last look."""
        if self._later is None:
            self.listed()
        return (self._later or {}).get(shard, 0)

    def counting(self, names: Iterable[str]) -> frozenset[int]:
        """Shards of which a Parquet file among ``names`` is of the generation that counts, or of one that has come since."""
        return frozenset(shard for shard, generation in newest(names).items() if generation >= self.of(shard))

    def current(self, shard: int, read: Callable[[int], T]) -> T:
        """What ``read`` gives for the shard's generation; once more for each generation that came meanwhile.

        Raises:
            Gone: if something is missing that should be there.
        """
        generation = self.of(shard)
        while True:
            try:
                return read(generation)
            except Gone:
                before = generation
                self.listed()
                generation = self.of(shard)
                if generation == before:
                    raise
