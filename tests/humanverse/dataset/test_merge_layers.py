"""Which layers are the same in two datasets."""

from __future__ import annotations

from typing import Any

from humanverse.dataset.merge_layers import match
from tests.datasets import cards


def card(layer: str, model: str = "", **facts: Any) -> dict[str, Any]:
    return {**cards({layer: model} if model else None)[layer], **facts}


PERSON, POSE = card("person/test"), card("pose/test")


def test_a_layer_is_the_same_if_its_fingerprint_is_whatever_its_name() -> None:
    found = match({"person/ours": PERSON}, {"person/theirs": PERSON, "pose/test": POSE}, only_both=False)
    assert found.copied == {"person/theirs": "person/ours", "pose/test": "pose/test"}
    assert found.left == {}


def test_its_own_name_comes_before_others() -> None:
    ours = {"person/a": PERSON, "person/b": PERSON}
    assert match(ours, {"person/b": PERSON}, False).copied == {"person/b": "person/b"}
    assert match(ours, {"person/c": PERSON}, False).copied == {"person/c": "person/a"}


def test_one_layer_is_copied_once() -> None:
    found = match({"person/a": PERSON}, {"person/a": PERSON, "person/b": PERSON}, False)
    assert found.copied == {"person/a": "person/a"}
    assert found.left == {"person/b": "it is the same as another one that is copied to person/a"}


def test_of_two_equal_ones_that_of_the_same_name_is_copied() -> None:
    found = match({"person/b": PERSON}, {"person/a": PERSON, "person/b": PERSON}, False)
    assert found.copied == {"person/b": "person/b"}
    assert found.left == {"person/a": "it is the same as another one that is copied to person/b"}


def test_what_it_was_made_from_must_be_there_or_come() -> None:
    theirs = {"pose/test": POSE, "person/test": PERSON}
    assert match({}, theirs, False).copied == {"person/test": "person/test", "pose/test": "pose/test"}
    other = card("person/test", model="another")
    found = match({"person/test": other}, theirs, False)
    assert found.copied == {}
    assert found.left["pose/test"] == "it was made from a person layer that is not copied"
    assert found.left["person/test"] == 'the one here was made otherwise (model: "another" -> "model of person/test")'


def test_only_what_both_have() -> None:
    found = match({"person/test": PERSON}, {"person/test": PERSON, "pose/test": POSE}, only_both=True)
    assert (found.copied, found.left) == (
        {"person/test": "person/test"},
        {"pose/test": "only the other dataset has it"},
    )
