"""The command that makes a layer is the one that was given."""

from __future__ import annotations

import shlex

import pytest
import yaml

from humanverse.dataset.asking import asked_for, command, rendered_by


def test_a_layer_is_asked_for_by_its_annotator_and_its_own_name() -> None:
    assert asked_for("pose/a", {}) == asked_for("pose/a", {"name": "a"}) == "pose=a"
    assert asked_for("pose/a", {"name": "b"}) == "pose=b --as pose=a"


def test_a_card_gives_a_shell_nothing_to_run() -> None:
    words = shlex.split(asked_for("pose/a", {"name": "b; rm -rf ~ $(x)"}))
    assert words == ["pose=b; rm -rf ~ $(x)", "--as", "pose=a"]


@pytest.mark.parametrize("value", ["plain", "3", "true", "", "[1", "a: b", 3, 0.5, None, True, [1, "x"], {"a": 1}])
def test_settings_are_read_back_as_they_were(value: object) -> None:
    words = shlex.split(asked_for("pose/a", {"name": "a", "asked": {"annotator": "a", "settings": {"k": value}}}))
    assert words[:2] == ["pose=a", "--set"]
    key, _, text = words[2].partition("=")
    assert (key, yaml.safe_load(text)) == ("pose.k", value)


def test_what_the_user_said_is_said_again() -> None:
    asked = {"annotator": "my:Pose", "settings": {"side": 256}, "weights": ["my file.onnx"]}
    words = asked_for("pose/a", {"name": "b", "asked": asked})
    assert words == "pose=my:Pose --as pose=a --set pose.side=256 --weights 'pose=my file.onnx'"
    assert command("/a b", "pose/a", {}) == "humanverse annotate '/a b' pose=a"


def test_ground_truth_is_imported_again() -> None:
    card = {"name": "coco", "truth": True, "weights": {"t.json": ""}, "settings": {"match": "file name"}}
    assert asked_for("person/coco", card) == "person=coco --from-coco t.json"
    card |= {"reads": {"person": "person/p"}, "settings": {"match": "key"}, "asked": {"from_coco": "there/t.json"}}
    assert asked_for("pose/q", card) == "person=p pose=q --from-coco there/t.json --match key"


@pytest.mark.parametrize("asked", [None, 3, {"settings": 3, "weights": 3}])
def test_a_damaged_card_still_gives_a_command(asked: object) -> None:
    assert asked_for("pose/a", {"name": "a", "asked": asked}) == "pose=a"


def test_truth_of_synthetic_people_is_rendered_again() -> None:
    settings = {"size": 96, "min_people": 1, "max_people": 2}
    source = {"kind": "synth", "seed": 4, "settings": settings, "rows": 7, "shard_size": 5}
    words = "humanverse synth '/a b' --n 7 --seed 4 --size 96 --max-people 2 --shard-size 5"
    assert rendered_by("/a b", "pose/truth", source) == words
    assert command("/a b", "pose/truth", {"truth": True}, source) == words
    assert (
        rendered_by("/a b", "pose/truth", source | {"backgrounds": {"pictures": 2}}) == f"{words} --backgrounds FOLDER"
    )
    assert rendered_by("/a b", "pose/a", source) is rendered_by("/a b", "pose/truth", {"kind": "urls"}) is None
