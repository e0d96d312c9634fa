"""From what is asked for to what will be made: which annotator, which layers it reads, and what is refused in one line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from annotators import registry
from annotators.text.rapidocr_det import MODEL
from humanverse.dataset.create import check_layer, declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError, UserError
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked, Plan, plan, words
from tests.pipelines.layers import TOYS, place

__all__ = ["place"]
COUNTS = {"aesthetic": f"{TOYS}:Counts"}


def planned(place: Path, what: Asked) -> Plan:
    return plan(Dataset(str(place)), what, "cpu")


def second_person_layer(place: Path) -> None:
    card = json.loads((place / "layers/person/test/layer.json").read_text())
    (place / "layers/person/b").mkdir()
    (place / "layers/person/b/layer.json").write_text(json.dumps({**card, "layer": "person/b"}))


def test_the_only_annotator_of_a_kind_need_not_be_named(place: Path) -> None:
    assert planned(place, Asked({"quality": None, "text": None})).layers == ["quality/pixels", "text/rapidocr-detector"]


def test_the_recipes_annotator_and_its_settings_are_the_usual_ones(tmp_path: Path, place: Path) -> None:
    recipe = (place / "recipe.yaml").read_text()
    line = "annotators:\n"
    quality = f"{line}  quality:\n    name: pixels\n    settings: {{side: 256}}\n"
    (place / "recipe.yaml").write_text(recipe.replace(line, quality))
    assert planned(place, Asked({"quality": None})).cards["quality"]["settings"] == {"side": 256}
    other = planned(place, Asked({"quality": "pixels"}, settings={"quality": {"side": 128}}))
    assert other.cards["quality"]["settings"] == {"side": 128}


def test_of_rendered_people_the_lite_presets_annotators_are_the_usual_ones(place: Path) -> None:
    kinds = ("pose", "depth", "normal", "caption")
    recipe = yaml.safe_load((place / "recipe.yaml").read_text())
    recipe["annotators"] = {kind: {"name": "truth"} for kind in ("person", *kinds)}
    (place / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    by = ["pose/movenet-mediapipe", "depth/lite-structure", "normal/lite-structure", "caption/template"]
    made = planned(place, Asked(dict.fromkeys(kinds), reads={"person": "test"}))
    assert sorted(made.layers) == sorted(by)


def test_a_recipe_imports_nothing(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brought_along.py").write_text("raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(tmp_path)
    recipe, line = (place / "recipe.yaml").read_text(), "annotators:\n"
    (place / "recipe.yaml").write_text(recipe.replace(line, f"{line}  quality: 'brought_along:Class'\n"))
    with pytest.raises(UserError, match="no annotator quality=brought_along:Class: choose one of pixels"):
        planned(place, Asked({"quality": None}))


def test_the_only_layer_of_a_kind_is_read(place: Path) -> None:
    found = planned(place, Asked(COUNTS))
    assert found.reads == {"person": "person/test"}
    assert found.cards["aesthetic"]["reads"] == {"person": "person/test"}
    assert found.cards["aesthetic"]["needs"] == {"person": Dataset(str(place)).layer_card("person/test")["fingerprint"]}


def test_of_several_layers_the_one_named_is_read_or_the_one_that_was_read_before(place: Path) -> None:
    second_person_layer(place)
    with pytest.raises(UserError, match=r"there are several: say --reads person=NAME, of b, test$"):
        planned(place, Asked(COUNTS))
    assert planned(place, Asked(COUNTS, reads={"person": "b"})).reads == {"person": "person/b"}
    annotate(str(place), Asked(COUNTS, reads={"person": "test"}), local=True)
    assert planned(place, Asked(COUNTS)).reads == {"person": "person/test"}


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (Asked({"posture": None}), "there is no kind 'posture': choose from person, pose"),
        (Asked({"quality": "sharp"}), "no annotator quality=sharp: choose one of pixels"),
        (
            Asked({"quality": None}, {"text": "a"}),
            "--as text: no layer of that kind is asked for: add text to the command",
        ),
        (
            Asked({"quality": None}, {"quality": "A b"}),
            "--as quality=A b: a layer's name has lower-case letters, digits",
        ),
        (
            Asked({"quality": None}, settings={"quality": {"sid": 3}}),
            "--set quality.sid: there is no such setting: choose one of side",
        ),
        (Asked({"text": None}, settings={"text": {"side": "x"}}), "--set text.side: must be a whole number, not x"),
        (
            Asked({"quality": None}, weights=[(None, "x.onnx")]),
            "weights x.onnx: this annotator loads none, leave them out",
        ),
        (Asked({"text": None}, weights=[(None, "no.onnx")]), "no weights at no.onnx: give the path of a file"),
        (
            Asked({"quality": None, "text": None}, weights=[(None, "hf:a/b@main")]),
            "--weights hf:a/b@main: say for which of quality, text they are",
        ),
        (Asked({"quality": None, "text": None}, weights=[(None, "x")]), "no weights at x: give the path of a file"),
        (Asked({"quality": None}, weights=[("text", "x")]), "--weights text: no layer of that kind is asked for"),
        (
            Asked({"quality": None}, reads={"person": "test"}),
            "--reads person: nothing that is asked for reads a person layer",
        ),
        (Asked(COUNTS, reads={"person": "no"}), "--reads: there is no layer person/no: there are person/test"),
        (Asked({"caption": f"{TOYS}:Plain"}), f"{TOYS}:Plain is no annotator: make it a subclass"),
        (Asked({"caption": f"{TOYS}:Nobody"}), f"no annotator {TOYS}:Nobody (AttributeError"),
        (Asked({"caption": "no.such.module:Thing"}), "no annotator no.such.module:Thing (ModuleNotFoundError"),
        (Asked({"text": f"{TOYS}:Says"}), f"{TOYS}:Says is of kind caption, not text"),
    ],
)
def test_what_cannot_be_is_one_line(place: Path, what: Asked, line: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(line)}") as caught:
        planned(place, what)
    assert "\n" not in str(caught.value)


def test_a_kind_with_no_annotator_and_one_with_several(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "names", lambda kind: ["one", "other"] if kind == "aesthetic" else [])
    with pytest.raises(UserError, match=r"^several annotators of kind aesthetic: name one, as \S+=NAME, of one, other"):
        planned(place, Asked({"aesthetic": None}))
    monkeypatch.setattr(registry, "names", lambda kind: [])
    with pytest.raises(
        UserError, match=r"^no annotator of kind aesthetic comes with humanverse: name your own, as aest"
    ):
        planned(place, Asked({"aesthetic": None}))


def test_a_kind_of_the_same_command_is_not_read_from_elsewhere(place: Path) -> None:
    both = {"caption": f"{TOYS}:Says", "safety": f"{TOYS}:Tells"}
    assert planned(place, Asked(both)).reads == {}
    with pytest.raises(UserError, match=r"^--reads caption: that layer is made by the same command"):
        planned(place, Asked(both, reads={"caption": "test"}))


def test_nothing_to_read_is_named(place: Path) -> None:
    tells = Asked({"safety": f"{TOYS}:Tells"})
    for name in ("layer.json", "000000.parquet", "000001.parquet", "000002.parquet"):
        (place / "layers/caption/test" / name).unlink()
    with pytest.raises(UserError, match=r"^safety/tells is made from a caption layer, and there is none: add caption"):
        planned(place, tells)


def test_weights_of_the_users_own_are_in_the_fingerprint_by_what_they_are(place: Path, tmp_path: Path) -> None:
    pinned = planned(place, Asked({"text": None})).cards["text"]
    assert pinned["weights"] == {MODEL.spec: MODEL.sha256}
    (tmp_path / "mine.onnx").write_bytes(b"mine")
    own = planned(place, Asked({"text": None}, weights=[("text", str(tmp_path / "mine.onnx"))])).cards["text"]
    assert own["weights"] == {f"instead of {MODEL.spec}": hashlib.sha256(b"mine").hexdigest()}
    assert own["fingerprint"] != pinned["fingerprint"]
    assert own["asked"] == {**pinned["asked"], "weights": [str(tmp_path / "mine.onnx")]}
    assert own["own_weights"] == [f"instead of {MODEL.spec}"] and "not known" in own["licence"]
    changed = {"weights": 0, "fingerprint": 0, "asked": 0, "licence": 0, "own_weights": 0}
    assert {**own, **changed} == {**pinned, **changed}


def test_of_several_weights_the_file_of_the_same_name_is_replaced(place: Path, tmp_path: Path) -> None:
    (tmp_path / "face_landmark.tflite").write_bytes(b"mine")
    what = Asked({"pose": None}, {"pose": "other"}, weights=[(None, str(tmp_path / "face_landmark.tflite"))])
    recipe = (place / "recipe.yaml").read_text()
    (place / "recipe.yaml").write_text(recipe.replace("pose:\n    name: test", "pose:\n    name: movenet-mediapipe"))
    weights = planned(place, what).cards["pose"]["weights"]
    mine = [label for label, digest in weights.items() if digest == hashlib.sha256(b"mine").hexdigest()]
    assert len(mine) == 1 and mine[0].startswith("instead of ") and mine[0].endswith("/face_landmark.tflite")
    assert [label for label in weights if label.endswith("/face_landmark.tflite")] == mine
    (tmp_path / "strange.tflite").write_bytes(b"mine")
    with pytest.raises(
        UserError, match=r"several files are loaded, name it as the one that it replaces: movenet-thunder"
    ):
        planned(place, Asked({"pose": None}, {"pose": "other"}, weights=[(None, str(tmp_path / "strange.tflite"))]))


def test_one_file_serves_all_that_load_the_same_weight(place: Path, tmp_path: Path) -> None:
    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "open_clip_model.safetensors")
    mine = str(tmp_path / "open_clip_model.safetensors")
    kinds: dict[str, str | None] = {"similarity": "clip-l14", "embedding": "clip-l14"}
    both = planned(place, Asked(kinds, weights=[(None, mine)]))
    assert [len(addition.annotator.weights) for addition in both.additions.values()] == [1, 1]
    assert {addition.annotator.weights[0].spec for addition in both.additions.values()} == {mine}
    with pytest.raises(UserError, match="say for which of similarity, quality they are"):
        planned(place, Asked({"similarity": "clip-l14", "quality": None}, weights=[(None, mine)]))


def test_a_layer_that_was_begun_otherwise_and_has_no_rows_says_how_to_begin_again(place: Path) -> None:
    annotate(str(place), Asked({"quality": "pixels"}, settings={"quality": {"side": 256}}), local=True)
    other = Asked({"quality": "pixels"}, settings={"quality": {"side": 128}})
    with pytest.raises(
        UserError, match=r"settings.side: 256 -> 128.*another name, as humanverse annotate does with --as quality=NAME$"
    ):
        planned(place, other)
    for table in (place / "layers/quality/pixels").glob("*.parquet"):
        table.unlink()
    with pytest.raises(
        UserError,
        match=r"settings.side: 256 -> 128.*or humanverse drop \S+ quality=pixels first, for it has no rows yet$",
    ):
        planned(place, other)


def test_other_weights_are_refused_with_both_digests_and_the_same_ones_go_on(place: Path, tmp_path: Path) -> None:
    def card(name: str, data: bytes) -> dict[str, Any]:
        (tmp_path / name).write_bytes(data)
        return planned(place, Asked({"text": None}, weights=[("text", str(tmp_path / name))])).cards["text"]

    store = Dataset(str(place)).store
    declare_layer(store, "text/rapidocr-detector", card("one.onnx", b"mine"))
    assert check_layer(store, "text/rapidocr-detector", card("renamed.onnx", b"mine"))
    old, new = (hashlib.sha256(data).hexdigest() for data in (b"mine", b"others"))
    for other, digest in ((lambda: card("one.onnx", b"others"), new), (pinned_text(place), MODEL.sha256)):
        with pytest.raises(DatasetError) as told:
            check_layer(store, "text/rapidocr-detector", other())
        assert old in str(told.value) and digest in str(told.value)


def pinned_text(place: Path) -> Callable[[], dict[str, Any]]:
    """The card of published weights, for a layer of another name."""
    return lambda: planned(place, Asked({"text": None}, {"text": "published"})).cards["text"]


def test_a_file_is_remembered_by_its_whole_path(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"mine")
    monkeypatch.chdir(tmp_path)
    what = Asked({"text": None}, weights=[(None, "mine.onnx")])
    assert planned(place, what).cards["text"]["asked"]["weights"] == [str(tmp_path / "mine.onnx")]
    assert words(what, {"text": "rapidocr-detector"})[-1] == f"text={tmp_path / 'mine.onnx'}"


def test_weights_that_are_not_here_are_named_together_and_those_that_are_given_are_looked_at_before(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    kinds = {"caption": "blip", "person": "yolos-tiny"}
    missing = r"^weights of caption=blip \(1.9 GB\), person=yolos-tiny \(26.0 MB\) are not here: "
    with pytest.raises(UserError, match=missing):
        planned(place, Asked(kinds, {"person": "new"}))
    with pytest.raises(UserError, match=r"lacks weights, such as model\.safetensors"):
        planned(place, Asked(kinds, {"person": "new"}, weights=[("person", str(tmp_path))]))
