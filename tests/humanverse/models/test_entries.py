"""Targets and conditions: what a configuration may say, and what it is told when it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from humanverse.errors import UserError
from humanverse.models.entries import Condition, Target, parse_conditions, parse_targets, written


def test_names_fields_and_targets_mean_the_same() -> None:
    depth = Target("depth", channels=4, weight=0.5)
    assert parse_targets(["rgb", {"name": "depth", "weight": 0.5}, Target("normal")]) == (
        Target("rgb"),
        depth,
        Target("normal"),
    )
    assert parse_targets(written([depth])) == (depth,)


def test_conditions_have_the_channels_of_their_stage() -> None:
    assert parse_conditions(["skeleton", {"name": "parts", "channels": 1}], channels=3) == (
        Condition("skeleton", 3),
        Condition("parts", 1),
    )
    assert parse_conditions([], channels=4) == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "at least one target"),
        (["rgb", "rgb"], "'rgb' is listed 2 times"),
        (["items"], "PyTorch uses it"),
        (["a.b"], "letters, digits and underscores"),
        ([{"name": "rgb", "colour": 1}], "its fields are name, channels, weight"),
        ([{"channels": 4}], "its fields are"),
        ([3], "give a name or its fields"),
        ([{"name": "rgb", "channels": 0}], "whole number above 0"),
        ([{"name": "rgb", "weight": -1}], "not negative"),
        ([{"name": "rgb", "weight": float("nan")}], "not negative"),
    ],
)
def test_what_is_wrong_is_told(given: list[Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_targets(given)
