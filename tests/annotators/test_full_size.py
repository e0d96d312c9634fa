"""That every estimator on PyTorch can be had in its real size, and that what is had is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators import registry
from annotators.base import Card
from tests.annotators.full_size import FULL, full

SAME_NETWORK = ("-caption", "-depth", "-normal", "-skeleton")
"""How names end of estimators that differ in what they read alone."""


def on_torch(card: Card) -> bool:
    return "torch" in (card.packages or {})


def test_there_is_one_for_every_estimator_on_torch() -> None:
    cards = [card for card in registry.cards() if on_torch(card) and not card.name.endswith(SAME_NETWORK)]
    assert {(card.kind, card.name) for card in cards} == set(FULL)


def test_the_weights_are_those_of_the_card(tmp_path: Path) -> None:
    found, weights = full("safety", "marqo", tmp_path)
    made = found(found.Settings(), "cpu", weights)
    made.load()
    assert [*weights] == [*found.card.weights] and made.weights[0].spec == str(tmp_path / "network.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sapiens2"])
def test_heads_of_pose_and_depth_go_with_their_bodies(name: str, tmp_path: Path) -> None:
    for kind in ("pose", "depth"):
        (tmp_path / kind).mkdir()
        found, weights = full(kind, name, tmp_path / kind)
        found(found.Settings(), "cpu", weights).load()
