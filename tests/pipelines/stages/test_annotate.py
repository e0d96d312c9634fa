"""The annotators of a recipe: their order, and what is said when they do not go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from annotators import registry
from annotators.base import Annotator, Card, Picture, Row
from humanverse.codec import encode_jpeg
from humanverse.dataset.shard import Shard
from humanverse.errors import UserError
from pipelines.engine.attempts import Notes
from pipelines.stages.add_layers import Addition, AddLayers
from pipelines.stages.annotate import Annotate, Pins, make, pins, provenances
from pipelines.stages.base import Stage
from pipelines.stages.gate import Gate
from schemas.recipe import AnnotatorSettings, Recipe, load
from tests.datasets import HEIGHT, WIDTH, make_dataset, picture


def fake(kind: str, *needs: str, columns: Row | None = None) -> type[Annotator]:
    """An annotator ``<kind>/fake`` that says ``columns`` of every picture, and notes which needs it was given."""

    class Fake(Annotator):
        card = Card(kind, "fake", 1, "for tests", "none", "none", "none", "none", needs=needs)

        def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row]:
            assert all(len(said) == len(pictures) for said in needs.values())
            return [{"text": " ".join(sorted(needs))} if kind == "caption" else dict(columns or {}) for _ in pictures]

    return Fake


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets which annotators ``fake`` there are: kind -> the kinds it needs."""

    def put(**needs: Sequence[str]) -> dict[str, AnnotatorSettings]:
        classes = {kind: fake(kind, *wanted) for kind, wanted in needs.items()}
        monkeypatch.setattr(registry, "get", lambda kind, name: classes[kind])
        return {kind: AnnotatorSettings(name="fake") for kind in classes}

    return put


def test_what_is_needed_comes_first(fakes: Any) -> None:
    chosen = fakes(caption=("pose", "text"), pose=("person",), text=(), person=())
    assert list(make(chosen, "cpu")) == ["person", "pose", "text", "caption"]


def test_the_order_of_the_recipe_does_not_matter(fakes: Any) -> None:
    chosen = fakes(caption=("pose",), pose=("person",), person=(), quality=())
    backwards = dict(reversed(chosen.items()))
    assert list(make(backwards, "cpu")) == list(make(chosen, "cpu"))


def test_a_missing_need_is_named(fakes: Any) -> None:
    with pytest.raises(UserError, match=r"^pose/fake needs a person layer: add annotators.person to the recipe$"):
        make(fakes(pose=("person",)), "cpu")


def test_what_is_left_out_takes_along_what_needs_it(fakes: Any) -> None:
    chosen = fakes(caption=("pose",), person=(), text=(), depth=("caption",))
    with pytest.raises(UserError) as caught:
        make(chosen, "cpu")
    assert str(caught.value) == (
        "caption/fake needs a pose layer: add annotators.pose to the recipe, or leave out what needs it too: "
        "annotators: {caption: null, depth: null, pose: null}"
    )


def test_a_circle_is_named(fakes: Any) -> None:
    with pytest.raises(UserError, match="in a circle: person -> text -> pose -> person"):
        make(fakes(pose=("person",), person=("text",), text=("pose",)), "cpu")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"min_score": "high"}, "recipe: annotators.person.settings.min_score: "),
        ({"nonsense": 1}, "recipe: annotators.person.settings.nonsense: "),
    ],
)
def test_wrong_settings_are_one_line(settings: dict, line: str) -> None:
    with pytest.raises(UserError) as caught:
        make({"person": AnnotatorSettings(name="ssd-mobilenet-v2", settings=settings)}, "cpu")
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_layer_made_from_another_has_its_fingerprint_in_its_own(fakes: Any) -> None:
    chosen = fakes(pose=("person",), person=())
    cards = provenances(make(chosen, "cpu"), chosen)
    assert cards["pose"]["needs"] == {"person": cards["person"]["fingerprint"]}


def test_a_shard_gets_the_layers_that_it_lacks(fakes: Any) -> None:
    chosen = fakes(caption=("quality", "text"), quality=(), text=())
    jpegs = [encode_jpeg(picture(seed), 80) for seed in range(3)]
    sizes = {"width": [WIDTH] * 3, "height": [HEIGHT] * 3}
    columns = {"uid": ["a", "b", "c"], "caption": ["one", None, ""], **sizes}
    table = pa.table({**columns, "jpeg": pa.array(jpegs, pa.large_binary())})
    there = pa.table({"uid": ["a", "b", "c"], "status": ["ok"] * 3})
    shard = Shard(0, pa.table({}), table, {"quality/fake": there})
    stage = Annotate(chosen, ["text", "caption"], "cpu")
    counted: list[int] = []
    stage.setup(lambda annotated: counted.append(annotated))
    done = stage.process(shard)
    assert list(done.layers) == ["quality/fake", "text/fake", "caption/fake"]
    assert done.layers["quality/fake"] is there
    assert done.layers["caption/fake"].column("text").to_pylist() == ["quality text"] * 3
    assert sum(counted) == 6


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"min_scor": 0.5}, "min_scor: there is no such setting"),
        ({"min_score": "much"}, "min_score: must be a number, not much"),
    ],
)
def test_a_wrong_setting_is_told_as_in_the_rest_of_the_recipe(settings: dict[str, Any], said: str) -> None:
    chosen = {"person": AnnotatorSettings(name=load().annotators["person"].name, settings=settings)}
    with pytest.raises(UserError, match=f"^recipe: annotators.person.settings.{said}"):
        make(chosen, "cpu")


class Machine(Annotator):
    """Computes as the machine that it runs on does."""

    card = Card("person", "fake", 1, "for tests", "none", "none", "none", "none")
    dtype = "float32"

    def deciding(self) -> dict[str, Any]:
        return {**super().deciding(), "dtype": self.dtype}

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row]:
        return [{"boxes": [], "scores": [], "area_ratios": [], "union_area_ratio": 0.0} for _ in pictures]


def stages(place: Path, chosen: dict[str, AnnotatorSettings], pinned: Pins) -> list[Stage]:
    """Every stage that loads models."""
    if not place.exists():
        make_dataset(place, shards=1, per_shard=1)
    added = AddLayers(str(place), {"person": Addition("person/fake", Machine())}, {}, Notes())
    return [
        Gate(Recipe(annotators=chosen), False, False, [], pinned=pinned),
        Annotate(chosen, ["person"], "cpu", pinned),
        added,
    ]


@pytest.mark.parametrize("which", range(3))
def test_a_worker_that_would_say_something_else_is_refused(
    which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one with a GPU, where ``auto`` was none when the layer's fingerprint was made."""
    monkeypatch.setattr(registry, "get", lambda kind, name: Machine)
    chosen = {"person": AnnotatorSettings(name="fake")}
    pinned = pins(make(chosen, "auto"))
    stages(tmp_path / "d", chosen, pinned)[which].setup(lambda **counts: None)
    stage = stages(tmp_path / "d", chosen, pinned)[which]
    monkeypatch.setattr(Machine, "dtype", "bfloat16")
    with pytest.raises(
        UserError, match=r'^person/fake would be made otherwise .* "float32" -> "bfloat16"\): name the device'
    ):
        stage.setup(lambda **counts: None)


@pytest.mark.parametrize("which", range(3))
def test_a_model_that_cannot_be_loaded_is_one_line(which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Machine) -> None:
        raise ImportError("no such\nlibrary")

    monkeypatch.setattr(registry, "get", lambda kind, name: Machine)
    monkeypatch.setattr(Machine, "load", broken)
    chosen = {"person": AnnotatorSettings(name="fake")}
    with pytest.raises(UserError, match=r"^person/fake cannot be loaded: ImportError: no such library"):
        stages(tmp_path / "d", chosen, {})[which].setup(lambda **counts: None)
