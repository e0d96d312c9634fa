"""Builds with the presets of estimators on PyTorch: every layer of a recipe, several of one kind, weights of one's own."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annotators import registry
from annotators.torch import device
from annotators.weights import WeightError
from humanverse.dataset.checks.finding import PROBLEM
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from pipelines.annotate import annotate
from pipelines.build import build
from pipelines.cli import app
from pipelines.drop import drop
from pipelines.opening import with_gpus
from pipelines.plan_layers import Asked
from schemas.recipe import Recipe, Resources, load
from tests.annotators.added import PHOTOGRAPHS
from tests.annotators.mmpose import tiny as mmpose
from tests.annotators.mmpose.tiny import needs_mmpose
from tests.annotators.tiny_weights import TINY, written
from tests.pipelines.photographs import DATA, needs_data

OPEN_GATE = {"min_people": 0, "max_people": None, "min_area_ratio": None, "min_side": 1}
SMALL = {"resize": "keep_ratio_largest", "size": 200}
FASTER = {"paper": {"pose": "vitpose-h-wholebody"}}
"""The same network without MMPose, which takes ten seconds to import."""
SHORT = {"person": {"min_score": 0.05}, "caption": {"max_new_tokens": 8}, "pose": {"flip_test": False}}
"""Settings that make a test fast."""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("photographs")
    for name in PHOTOGRAPHS[:3]:
        shutil.copy(DATA / "images" / name, folder)
        (folder / name).with_suffix(".txt").write_text("a man throws a ball")
    return str(folder)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Callable[[Recipe], Recipe]:
    """Gives each layer of a recipe tiny weights; they are written once."""
    folder, there = tmp_path_factory.mktemp("weights"), dict[str, list[str]]()

    def weighed(recipe: Recipe) -> Recipe:
        wanted = [layer for layer, item in recipe.layers.items() if tuple(layer.split("/")) in TINY]
        there.update({layer: written(layer, folder, patch) for layer in wanted if layer not in there})
        return recipe.with_weights({layer: there[layer] for layer in wanted})

    return weighed


def recipe_of(preset: str, kinds: Sequence[str] = (), over: Mapping[str, Any] | None = None, **gate: Any) -> Recipe:
    """The preset's, with small pictures and a gate that asks for no people.

    Args:
        kinds: the only ones, if any are given.
        over: annotators instead of the preset's.
        gate: settings of the gate.
    """
    others = {kind: None for kind in load(preset).annotators if kinds and kind not in kinds}
    beautiful = {} if "aesthetic" not in others else {"min_aesthetic": None}
    settings = {
        "annotators": {**FASTER.get(preset, {}), **others, **(over or {})},
        "gate": {**OPEN_GATE, **beautiful, **gate},
        "image": SMALL,
        "source": {"shard_size": 2},
    }
    recipe = load(preset, overrides=settings)
    short = {
        kind: item.model_copy(update={"settings": {**SHORT.get(kind, {}), **item.settings}})
        for kind, item in recipe.annotators.items()
    }
    return recipe.model_copy(update={"annotators": short})


@needs_data
@pytest.mark.parametrize("preset", ["paper", "modern"])
def test_every_layer_of_a_preset(
    preset: str, photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path
) -> None:
    recipe = tiny(recipe_of(preset))
    result = build([photographs], str(tmp_path / "people"), recipe, local=True)
    assert (result.lost, result.counts["kept"]) == ({}, 3)
    dataset = Dataset(str(tmp_path / "people"))
    assert set(dataset.layers()) == set(recipe.layers)
    for layer in recipe.layers:
        for shard in dataset.shards():
            rows = dataset.layer(layer, shard).to_pylist()
            assert {row["status"] for row in rows} == {"ok"}, (layer, rows[0]["reason"])
    assert (
        sum(len(row["keypoints"]) for row in dataset.layer(f"pose/{recipe.annotators['pose'].name}", 0).to_pylist()) > 0
    )
    assert [one for one in verify(dataset).findings if one.level == PROBLEM] == []
    assert build([photographs], str(tmp_path / "people"), recipe, local=True).committed == 0


@pytest.mark.slow
@needs_data
@needs_mmpose
def test_the_paper_with_mmpose(photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path) -> None:
    config = mmpose.config(tmp_path, mmpose.VITPOSE)
    weights = mmpose.weights(tmp_path / "vitpose.pth", config)
    over = {"pose": {"name": "mmpose", "settings": {"config": str(config)}, "weights": str(weights)}}
    recipe = tiny(recipe_of("paper", ("person", "pose"), over))
    build([photographs], str(tmp_path / "people"), recipe, local=True)
    dataset = Dataset(str(tmp_path / "people"))
    for person, pose in zip(
        dataset.layer("person/yolos-tiny", 0).to_pylist(), dataset.layer("pose/mmpose", 0).to_pylist(), strict=True
    ):
        assert pose["status"] == "ok" and len(pose["keypoints"]) == len(person["boxes"])


def reasons(dataset: Dataset) -> list[tuple[str, str | None]]:
    found = [dataset.ledger(shard).to_pylist() for shard in dataset.shards()]
    return [(row["status"], row["reason"]) for rows in found for row in rows]


def test_the_papers_gate() -> None:
    gate = load("paper").gate
    assert (gate.min_people, gate.max_people, gate.min_area_ratio, gate.person_area) == (1, 3, 0.15, "union")
    assert (gate.min_aesthetic, gate.min_side) == (4.5, 200)


@needs_data
def test_what_is_not_beautiful_is_not_kept_nor_looked_at_further(
    photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path
) -> None:
    recipe = tiny(recipe_of("paper", ("person", "aesthetic", "caption"), min_aesthetic=9.9))
    build([photographs], str(tmp_path / "people"), recipe, local=True)
    dataset = Dataset(str(tmp_path / "people"))
    assert reasons(dataset) == [("rejected", "aesthetic")] * 3
    assert len(dataset.layer("caption/blip-2", 0)) == 0


@pytest.fixture(scope="module")
def two_depths(photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with two depth layers, and two captions of one captioner."""
    short = {"max_new_tokens": 3, "max_pixels": 16384, "min_pixels": 4096}
    captions = [
        {"name": "qwen-vl", "settings": {"style": "tags", **short}},
        {"name": "qwen-vl", "layer": "german", "settings": {"language": "de", **short}},
    ]
    recipe = tiny(recipe_of("paper", ("person", "depth", "caption"), {"caption": captions}))
    recipe = recipe.with_weights({"caption/german": recipe.annotators["caption"].weights})
    place = tmp_path_factory.mktemp("two") / "people"
    build([photographs], str(place), recipe, local=True)
    return place


@needs_data
def test_several_layers_of_one_kind(two_depths: Path) -> None:
    dataset = Dataset(str(two_depths))
    assert set(dataset.layers()) == {
        "person/yolos-tiny",
        "depth/omnidata",
        "depth/midas-dpt",
        "caption/qwen-vl",
        "caption/german",
    }
    said = {layer: dataset.layer(layer, 0).to_pylist() for layer in ("caption/qwen-vl", "caption/german")}
    assert [row["language"] for rows in said.values() for row in rows] == ["en", "en", "de", "de"]
    units = {
        layer: dataset.layer(layer, 0).to_pylist()[0]["depth_kind"] for layer in ("depth/omnidata", "depth/midas-dpt")
    }
    assert len(set(units.values())) == 2
    assert [one for one in verify(dataset).findings if one.level == PROBLEM] == []
    assert set(status(dataset).layers) == set(dataset.layers())


@needs_data
def test_a_layer_beside_another_can_be_dropped_and_made_again(
    two_depths: Path, photographs: str, tmp_path: Path
) -> None:
    place = shutil.copytree(two_depths, tmp_path / "people")
    dataset = Dataset(str(place))
    before = {layer: [dataset.layer(layer, shard) for shard in dataset.shards()] for layer in dataset.layers()}
    notes = [*drop(str(place), "caption=german", False).notes, *drop(str(place), "depth=midas-dpt", False).notes]
    assert sum("the recipe has it" in note for note in notes) == 2
    result = build([photographs], str(place), dataset.recipe, local=True)
    assert result.lacking == {
        "depth/midas-dpt": "depth=midas-dpt",
        "caption/german": "caption=qwen-vl --as caption=german",
    }
    annotate(str(place), Asked({"caption": None, "depth": "midas-dpt"}, {"caption": "german"}), local=True)
    again = Dataset(str(place))
    for layer, tables in before.items():
        assert [again.layer(layer, shard) for shard in again.shards()] == tables, layer
    card = again.layer_card("caption/german")
    assert card["asked"]["weights"] == [*dataset.recipe.layers["caption/german"].weights]


@needs_data
def test_weights_may_lie_elsewhere_when_a_build_goes_on_and_may_not_be_others(
    photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path
) -> None:
    recipe, place = (
        tiny(recipe_of("paper", ("person",))),
        str(tmp_path / "people"),
    )
    build([photographs], place, recipe, local=True)
    (old,) = recipe.annotators["person"].weights
    moved = shutil.copytree(old, tmp_path / "elsewhere" / "model")
    assert build([photographs], place, recipe.with_weights({"person": [str(moved)]}), local=True).lost == {}
    (tmp_path / "people" / "ledger" / "000001.parquet").unlink()
    other = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**other, "num_hidden_layers": 1}))
    with pytest.raises(DatasetError, match=r"layer person/yolos-tiny of \S+ was made otherwise \(weights"):
        build([photographs], place, recipe.with_weights({"person": [str(moved)]}), local=True)


@pytest.mark.slow
@needs_data
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'humanverse[ray]'")
def test_the_paper_on_ray_gives_the_rows_of_one_process(
    photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what can be made tiny in this process alone."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    captions = [
        "blip-2",
        {"name": "blip-2", "layer": "prompted", "settings": {"prompt": "a photo of", "max_new_tokens": 4}},
    ]
    over = {"depth": "midas-dpt", "caption": captions}
    recipe = tiny(recipe_of("paper", ("person", "depth", "caption"), over))
    recipe = recipe.with_weights({"caption/prompted": recipe.annotators["caption"].weights})
    places = {local: tmp_path / f"people-{local}" for local in (True, False)}
    for local, place in places.items():
        assert build([photographs], str(place), recipe, local=local, workers=1).lost == {}
    one, other = (Dataset(str(place)) for place in places.values())
    assert set(one.layers()) == set(recipe.layers) and "caption/prompted" in one.layers()
    for layer in one.layers():
        for shard in one.shards():
            assert one.layer(layer, shard) == other.layer(layer, shard), layer


def test_what_is_missing_without_a_network_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    (tmp_path / "urls.txt").write_text("https://pictures.example/1.jpg\n")
    with pytest.raises(WeightError) as caught:
        build([str(tmp_path / "urls.txt")], str(tmp_path / "people"), load("modern"), local=True)
    told = str(caught.value)
    assert "\n" not in told and told.endswith("(humanverse models list --preset modern tells where they come from)")
    for layer, item in load("modern").layers.items():
        kind = layer.partition("/")[0]
        if registry.get(kind, item.name).card.weights:
            assert f"{kind}={item.name} " in told
    assert not (tmp_path / "people").exists()


@pytest.mark.parametrize("preset", ["paper", "modern"])
def test_without_torch_a_build_says_how_to_install_it(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    (tmp_path / "urls.txt").write_text("https://pictures.example/1.jpg\n")
    with pytest.raises(UserError, match=r"needs torch: pip install 'humanverse\[\S*torch\S*\]'$"):
        build([str(tmp_path / "urls.txt")], str(tmp_path / "people"), load(preset), local=True)


@needs_data
def test_a_device_is_chosen_and_told_on_the_command_line(
    photographs: str, tiny: Callable[[Recipe], Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "gpus", list)
    (tmp_path / "r.yaml").write_text(
        "preset: modern\nannotators: " + json.dumps({**dict.fromkeys(load("modern").annotators), "person": "d-fine"})
    )
    (model,) = tiny(load("modern")).annotators["person"].weights
    words = ["build", photographs, str(tmp_path / "people"), "--recipe", str(tmp_path / "r.yaml"), "--local"]
    told = CliRunner().invoke(app, [*words, "--device", "auto", "--weights", f"person={model}"])
    assert told.exit_code == 0, told.output
    assert "device auto: cpu, since no GPU was found" in told.output
    again = CliRunner().invoke(app, [*words, "--device", "cuda", "--weights", f"person={model}"])
    assert isinstance(again.exception, UserError) and "device cuda is not here" in str(again.exception)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("person", "--weights person: give KIND=WEIGHTS, or KIND/LAYER=WEIGHTS"),
        ("mood=x", "--weights mood: the recipe has no such layer: there are aesthetic"),
        ("depth/none=x", "--weights depth/none: the recipe has no such layer"),
    ],
)
def test_weights_that_are_asked_for_wrongly(asked: str, said: str) -> None:
    told = CliRunner().invoke(app, ["build", "a", "b", "--preset", "paper", "--weights", asked])
    assert isinstance(told.exception, UserError) and str(told.exception).startswith(said)


@pytest.mark.parametrize("preset", ["lite", "paper", "modern"])
def test_the_weights_of_a_preset_are_listed(preset: str) -> None:
    told = CliRunner().invoke(app, ["models", "list", "--preset", preset, "--json"])
    specs = {item["spec"] for item in json.loads(told.stdout)}
    cards = [registry.get(layer.partition("/")[0], item.name).card for layer, item in load(preset).layers.items()]
    assert specs == {weight.spec for card in cards for weight in card.weights}
    assert {card.preset for card in cards} == {preset}


def shares(resources: Mapping[str, Any]) -> tuple[float, float]:
    found = with_gpus(Resources.model_validate(resources))
    return found.gate.gpus, found.annotate.gpus


def test_workers_of_a_build_on_a_gpu_share_one_if_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shares({"device": "cpu"}) == (0, 0) and sum(shares({"device": "cuda"})) == 1
    assert shares({"device": "cuda", "annotate": {"gpus": 0.5}}) == (0, 0.5)
    for there, expected in (([], 0), (["NVIDIA H200, 139.8 GiB"], 1)):
        monkeypatch.setattr(device, "gpus", lambda there=there: there)
        assert sum(shares({"device": "auto"})) == expected
