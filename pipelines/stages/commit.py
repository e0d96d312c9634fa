"""Last stage: write the shard without what was forgotten meanwhile, ledger last."""

from __future__ import annotations

from collections import Counter

from humanverse.dataset.commit import commit
from humanverse.dataset.shard import Shard
from humanverse.dataset.tombstones import Watch, name_samples
from humanverse.dataset.without import without
from humanverse.storage import Store
from pipelines.stages.base import Count, Done
from schemas.images import JPEG
from schemas.ledger import FAILED


class Commit:
    """Writes shards to the dataset at ``url``."""

    name = "commit"

    def __init__(self, url: str) -> None:
        self.url = url

    def setup(self, count: Count) -> None:
        self._store = Store(self.url)
        self._forgotten = Watch(self._store)

    def process(self, item: Shard) -> Done:
        before = self._forgotten.now()
        item = without(item, before)
        commit(self._store, item)
        if (now := self._forgotten.anew()) is not before:
            name_samples(self._store, now, item.images)
        counts = dict(Counter(item.ledger.column("status").to_pylist()))
        counts["bytes"] = sum(len(jpeg.as_buffer()) for jpeg in item.images.column(JPEG.name))
        layers = {name: dict(Counter(table.column("status").to_pylist())) for name, table in item.layers.items()}
        return Done(item.number, counts=counts, failures=_failures(item), layers=layers)


def _failures(item: Shard) -> dict[str, int]:
    """Failed rows by reason."""
    pairs = zip(item.ledger.column("status").to_pylist(), item.ledger.column("reason").to_pylist(), strict=True)
    return dict(Counter(str(reason) for status, reason in pairs if status == FAILED))
