"""Which annotators a recipe names: short forms, several of one kind, weights of one's own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from schemas.recipe import Recipe, load


def recipe(**annotators: Any) -> Recipe:
    return Recipe.model_validate({"annotators": {"person": "yolos-tiny", **annotators}})


SHORT: tuple[tuple[Any, Any], ...] = (
    ("a", {"name": "a"}),
    (["a"], {"name": "a", "also": []}),
    (["a", "b"], {"name": "a", "also": [{"name": "b"}]}),
    (
        [{"name": "a", "settings": {"beams": 1}}, {"name": "a", "layer": "other", "weights": "w"}],
        {"name": "a", "settings": {"beams": 1}, "also": [{"name": "a", "layer": "other", "weights": ["w"]}]},
    ),
    ({"name": "a", "also": ["b", "c"]}, {"name": "a", "also": [{"name": "b"}, {"name": "c"}]}),
)


@pytest.mark.parametrize(("short", "whole"), SHORT)
def test_short_forms(short: Any, whole: Any) -> None:
    assert recipe(caption=short) == recipe(caption=whole)


def test_every_layer_is_named_and_the_first_of_a_kind_comes_first() -> None:
    found = recipe(depth=["omnidata", "midas-dpt"], caption=["blip", {"name": "blip", "layer": "other"}])
    assert list(found.layers) == [
        "person/yolos-tiny",
        "depth/omnidata",
        "depth/midas-dpt",
        "caption/blip",
        "caption/other",
    ]
    assert found.annotators["depth"].name == "omnidata"
    assert list(recipe(pose={"name": "mmpose", "layer": "hrnet"}).layers)[1] == "pose/hrnet"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["a", "a"], "caption: two layers are named a: give one of them another name"),
        ([{"name": "a", "layer": "b"}, "b"], "caption: two layers are named b"),
        ([], "caption: must be a mapping of settings"),
        (["a", 3], "caption.also.0: must be a mapping of settings"),
        ([{"name": "a", "layer": "B c"}], "caption.layer: String should match pattern"),
        (["a", {"name": "b", "also": ["c"]}], "caption: also: one list of further layers is enough"),
        ([{"layer": "a"}], "caption.name: Field required"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(named: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"annotators.{said}")) as caught:
        load(overrides={"annotators": {"caption": named}})
    assert "\n" not in str(caught.value)


def test_a_recipe_comes_back_from_its_yaml() -> None:
    one = recipe(depth=["omnidata", {"name": "midas-dpt", "weights": ["a", "b"], "settings": {"map_side": 64}}])
    assert Recipe.model_validate(one.model_dump(mode="json")) == one


def test_weights_do_not_decide_what_is_written_but_layers_do() -> None:
    usual = recipe(depth=["omnidata", "midas-dpt"])
    assert usual.with_weights({"depth": ["a"], "depth/midas-dpt": ["b"]}).deciding() == usual.deciding()
    assert recipe(depth="omnidata").deciding() != usual.deciding()
    assert recipe(depth=["omnidata", {"name": "midas-dpt", "layer": "other"}]).deciding() != usual.deciding()
    assert usual.deciding()["annotators"]["person"] == {"name": "yolos-tiny", "settings": {}}


def test_weights_by_kind_and_by_layer() -> None:
    found = recipe(depth=["omnidata", "midas-dpt"], caption=[{"name": "blip", "weights": "/own"}]).with_weights(
        {"depth": ["/first"], "depth/midas-dpt": ["/second", "/third"], "person/yolos-tiny": ["/people"]}
    )
    assert {layer: item.weights for layer, item in found.layers.items()} == {
        "person/yolos-tiny": ("/people",),
        "depth/omnidata": ("/first",),
        "depth/midas-dpt": ("/second", "/third"),
        "caption/blip": ("/own",),
    }
    with pytest.raises(ValueError, match=r"^--weights depth/none: the recipe has no such layer: there are "):
        found.with_weights({"depth/none": ["a"]})
