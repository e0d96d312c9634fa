"""A fingerprint is of what decides a layer's rows, and of nothing else."""

from __future__ import annotations

import pytest

from schemas.provenance import FINGERPRINTED, fingerprint, model_of

FACTS = {
    "kind": "pose", "name": "a", "version": 1, "model": "m", "weights": {"w": "ab"}, "settings": {"x": 1.5}, "needs": {}
}  # fmt: skip


def test_order_and_other_entries_do_not_matter() -> None:
    assert fingerprint({**dict(reversed(FACTS.items())), "licence": "MIT", "time": "now"}) == fingerprint(FACTS)


@pytest.mark.parametrize("key", FINGERPRINTED)
def test_every_fact_matters_and_must_be_there(key: str) -> None:
    assert fingerprint({**FACTS, key: "other"}) != fingerprint(FACTS)
    with pytest.raises(KeyError):
        fingerprint({name: value for name, value in FACTS.items() if name != key})


def test_what_only_some_layers_have_is_covered_where_it_is_there() -> None:
    grown = {**FACTS, "outpaint": {"name": "edge", "settings": {"left": 0.5}}}
    other = {**FACTS, "outpaint": {"name": "edge", "settings": {"left": 0.25}}}
    assert len({fingerprint(facts) for facts in (FACTS, grown, other)}) == 3


def test_the_model_is_told_with_whose_weights_it_is() -> None:
    assert model_of(FACTS) == model_of({**FACTS, "own_weights": []}) == "m"
    assert model_of({**FACTS, "own_weights": ["instead of w"]}) == "m, with weights of the user's own"
    assert model_of({}) == model_of({"own_weights": ["instead of w"]}) == ""
