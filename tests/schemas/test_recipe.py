"""Recipes: presets, files, overrides, and what is said about a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.recipe import PRESETS, load


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads(name: str) -> None:
    assert "person" in load(name).annotators


def test_file_is_laid_on_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("preset: lite\ngate: {min_side: 64}\nannotators: {pose: null, caption: {name: template}}\n")
    recipe = load(path=file)
    assert (recipe.gate.min_side, recipe.gate.min_area_ratio) == (64, 0.15)
    assert "pose" not in recipe.annotators
    assert recipe.annotators["caption"].name == "template"


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("source: {kind: folder, shard_size: 5}")
    assert load(path=file, overrides={"source": {"kind": "table"}}).source.model_dump()["kind"] == "table"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gate: {min_sied: 3}", "gate.min_sied"),
        ("gate: {min_side: many}", "gate.min_side"),
        ("gate: {min_side: 0}", "gate.min_side"),
        ("gate: {min_people: 4}", "min_people 4 is more than max_people 3"),
        ("gates: {}", "gates: there is no such setting"),
        ("block: {urls: bl/list.txt}", "block.urls: must be a list, such as [bl/list.txt]"),
        ("block: {urls: 7}", "block.urls: must be a list, such as [7]"),
        ("block: null", "block: must be a mapping of settings"),
        ("gate: [min_side, 3]", "gate: must be a mapping of settings"),
        ("annotators:", "annotators: must be a mapping of settings"),
        ("resources: {device: tpu}", "resources.device: there is no device 'tpu': give cpu, cuda, cuda:0"),
        ("resources: {device: 'cuda:'}", "resources.device: there is no device 'cuda:'"),
        ("- a\n- b", "must be a mapping"),
        ("gate: [", "is not YAML"),
        ("preset: grand", "no preset 'grand'"),
        ("gate: {min_aesthetic: 4.5}", "needs an annotator of kind aesthetic"),
        ("annotators: {person: null}", "needs a person entry"),
        ("annotators: 3", "annotators"),
    ],
)
def test_a_wrong_recipe_is_one_line_that_names_the_setting(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        load(path=file)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: No such file or directory: check the path"):
        load(path=tmp_path / "none.yaml")


def test_resources_and_speed_do_not_decide_what_is_written() -> None:
    fast = load(overrides={"resources": {"gate": {"workers": 9}}, "fetch": {"concurrency": 1}})
    assert fast.deciding() == load().deciding()
    assert load(overrides={"fetch": {"max_bytes": 1}}).deciding() != load().deciding()


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parents[2] / "examples").glob("*.yaml")), ids=lambda file: file.stem
)
def test_every_example_loads(file: Path) -> None:
    assert load(path=file).annotators


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:11"])
def test_devices(device: str) -> None:
    assert load(overrides={"resources": {"device": device}}).resources.device == device
