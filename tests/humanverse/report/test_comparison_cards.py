"""The numbers on the cards of a comparison are those of its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from humanverse.compare.run import compare
from humanverse.dataset.reader import Dataset
from humanverse.report.comparison_cards import cards
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer


def _beside(row: int, said: dict[str, Any]) -> dict[str, Any]:
    """Boxes or points two pixels to the right."""
    if "boxes" in said:
        return {**said, "boxes": [[x0 + 2, y0, x1 + 2, y1] for x0, y0, x1, y1 in said["boxes"]]}
    moved = [[value + 2 * (at % 3 == 0) for at, value in enumerate(flat)] for flat in said["keypoints"]]
    return {**said, "keypoints": moved}


@pytest.mark.parametrize(("kind", "what"), [("person", "boxes"), ("pose", "poses")])
def test_people_below_the_gates_score_are_told_apart(tmp_path: Path, kind: str, what: str) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=1)
    dataset = Dataset(str(tmp_path / "people"))
    add_layer(dataset, f"{kind}/beside", f"{kind}/test", _beside)
    found = compare(Dataset(str(tmp_path / "people")), kind, "beside", "test")
    assert found.findings.figures["people"]["people_a"] == 1
    (card,) = cards(dataset, found)
    assert [answer.facts for answer in card.answers] == [((what, "1, and 1 that do not count"),)] * 2
