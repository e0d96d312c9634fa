"""What is forgotten while a shard is being written is not served."""

from __future__ import annotations

from pathlib import Path

import pytest

import humanverse
from humanverse.blocklists.keys import of_source
from humanverse.dataset import tombstones
from humanverse.dataset.commit import commit
from humanverse.dataset.shard import Shard
from humanverse.dataset.tombstones import Tombstones
from humanverse.storage import Store
from pipelines.stages import commit as stage
from tests.datasets import make_dataset, make_shard


def test_a_url_that_is_forgotten_while_its_shard_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path / "d", shards=1, planned_shards=2)
    gone = Tombstones(url_keys=frozenset([of_source("https://pictures.example/7.jpg")]))

    def meanwhile(store: Store, shard: Shard) -> None:
        tombstones.write(store, gone, "asked to")
        commit(store, shard)

    monkeypatch.setattr(stage, "commit", meanwhile)
    writer = stage.Commit(str(tmp_path / "d"))
    writer.setup(lambda **counts: None)
    late = make_shard(1, 6, 3, {}, {})
    writer.process(late)
    served = {sample.uid for sample in humanverse.open(str(tmp_path / "d")) if sample.shard == 1}
    assert served == {late.uids[0], late.uids[2]}
