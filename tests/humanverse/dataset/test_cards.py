"""What cards have in common: their numbers, and what is asked for by what stands in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.dataset.cards import Strict, numbers, read_plan
from humanverse.errors import DatasetError
from humanverse.storage import Store


class Plan(Strict):
    rows: int


def test_numbers_are_those_of_cards(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert numbers(store, "merges") == []
    for name in ("000010.json", "000002.json", "2.json", "000003.parquet", "readme.md"):
        store.write(f"merges/{name}", b"{}")
    assert numbers(store, "merges") == [2, 10]


@pytest.mark.parametrize("text", [b"{}", b'{"rows": 1, "more": 2}', b'{"rows": "many"}'])
def test_a_plan_is_read_or_damaged(tmp_path: Path, text: bytes) -> None:
    store = Store(tmp_path)
    store.write("plan.json", b'{"rows": 3}')
    assert read_plan(store, "plan.json", Plan).rows == 3
    store.write("plan.json", text)
    with pytest.raises(DatasetError, match=r"plan\.json is damaged \(.+\): run humanverse verify$"):
        read_plan(store, "plan.json", Plan)
    with pytest.raises(DatasetError, match=r"missing\.json is damaged"):
        read_plan(store, "missing.json", Plan)
