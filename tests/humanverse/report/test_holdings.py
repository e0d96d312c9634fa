from collections import Counter
from pathlib import Path

from humanverse.dataset.reader import Dataset
from humanverse.report import holdings
from tests.datasets import make_dataset


def test_samples_and_licences_are_counted(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3, columns={"LICENSE": "CC0", "similarity": "0.3"})
    found = holdings.read(Dataset(str(tmp_path / "d")))
    assert found.samples == {0: 3, 1: 3} and found.total == 6
    assert found.licences == {"LICENSE": Counter(CC0=6)}


def test_a_missing_licence_is_counted_as_such(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=2, columns={"licence": None})
    assert holdings.read(Dataset(str(tmp_path / "d"))).licences == {"licence": Counter({holdings.NOT_STATED: 2})}


def test_too_many_licences_are_counted_together() -> None:
    held = holdings.Holdings()
    many = Counter({f"licence {number}": 1 for number in range(holdings.TOLD_APART + 50)})
    held.add(0, 300, {"licence": many})
    held.add(1, 1, {"licence": Counter({"licence 0": 1})})
    assert len(held.licences["licence"]) == holdings.TOLD_APART + 1
    assert held.licences["licence"][holdings.OTHER] == 50
    assert held.licences["licence"]["licence 0"] == 2
