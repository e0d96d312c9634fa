"""Person boxes of YOLOS, D-FINE and RT-DETR: through ``annotate`` on photographs, whatever the batch, with boxes where they
belong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators import registry
from annotators.base import Picture, Row
from annotators.cache import Weight, WeightError
from annotators.person.transformers_detector import TransformersDetector, person_label
from annotators.run import Runner
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from schemas.layers import KINDS
from tests.annotators import tiny
from tests.annotators.photographs import CROWD, NOBODY, PERSON, SEVERAL, TEXT, photograph
from tests.datasets import make_dataset
from tests.pipelines.layers import digests, rows, tables
from tests.pipelines.photographs import needs_data, store_small

TINY: dict[str, Callable[[Path], Path]] = {"yolos-tiny": tiny.yolos, "d-fine": tiny.dfine, "rt-detr": tiny.rtdetr}
LOW = 1e-4
"""A floor under nearly everything that random weights say."""
PHOTOGRAPHS = (PERSON, SEVERAL, CROWD, NOBODY, TEXT)


@pytest.fixture(scope="module", params=sorted(TINY))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An annotator's name, and a folder with a tiny model for it."""
    name: str = request.param
    yield name, TINY[name](tmp_path_factory.mktemp(name) / "tiny")


def detector(name: str, folder: Path, **settings: Any) -> TransformersDetector:
    """Loaded."""
    found = registry.get("person", name)
    made = found(found.Settings(min_score=LOW, **settings), "cpu", standing_in(found.card.weights, folder))
    made.load()
    assert isinstance(made, TransformersDetector)
    return made


def picture(height: int, width: int, seed: int = 0) -> Picture:
    return Picture(
        f"{seed:032x}", encode_jpeg(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8), 95)
    )


def asked(name: str, folder: Path, **settings: Any) -> Asked:
    return Asked(
        {"person": name}, settings={"person": {"min_score": LOW, **settings}}, weights=[("person", str(folder))]
    )


@needs_data
def test_photographs_get_rows_that_a_second_run_completes(model: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = model
    url = store_small(tmp_path / "people", PHOTOGRAPHS, shard_size=2)
    result = annotate(url, asked(name, folder), local=True)
    assert (result.rows, result.lost) == ({f"person/{name}": {"ok": 5}}, {})
    dataset = Dataset(url)
    assert [found for found in verify(dataset).findings if f"person/{name}" in found.path] == []
    assert dataset.layer(f"person/{name}", 0).schema == KINDS["person"].schema
    assert sum(len(row["boxes"]) for row in rows(tmp_path / "people", f"person/{name}").values()) > 5
    whole = digests(tmp_path / "people")
    (tmp_path / f"people/layers/person/{name}/000001.parquet").unlink()
    assert annotate(url, asked(name, folder, batch_size=4), local=True).done == 1
    assert annotate(url, asked(name, folder), local=True).done == 0
    made = tables(tmp_path / "people", f"person/{name}")
    assert digests(tmp_path / "people").keys() == whole.keys() and len(made) == 3
    card = json.loads((tmp_path / f"people/layers/person/{name}/layer.json").read_text())
    assert card["settings"] == {"min_score": LOW, "dtype": "float32"} and list(card["weights"]) == card["own_weights"]
    with pytest.raises(DatasetError, match=r'settings.dtype: "float32" -> "bfloat16"'):
        annotate(url, asked(name, folder, dtype="bfloat16"), local=True)


def test_rows_do_not_depend_on_the_batch(model: tuple[str, Path]) -> None:
    sizes = [(120, 160), (160, 120), (120, 160), (333, 200), (120, 160), (40, 300), (161, 121), (120, 160), (51, 50)]
    pictures = [picture(*size, seed) for seed, size in enumerate(sizes)]
    assert (detector(*model).batch_size, detector(*model, batch_size=8).batch_size) == (1, 32)
    alone, together = (Runner(detector(*model, batch_size=size)).table(pictures, {}).to_pylist() for size in (1, 8))
    for one, other in zip(alone, together, strict=True):
        assert (one["status"], one["uid"]) == ("ok", other["uid"])
        assert np.asarray(other["boxes"]).ravel() == pytest.approx(np.asarray(one["boxes"]).ravel(), abs=1e-2)
        assert other["scores"] == pytest.approx(one["scores"], abs=1e-4)
        assert other["area_ratios"] == pytest.approx(one["area_ratios"], abs=1e-4)
    assert sum(len(row["boxes"]) for row in alone) > 9


def test_pictures_of_one_shape_really_go_together(model: tuple[str, Path]) -> None:
    made = detector(*model, batch_size=4)
    seen: list[int] = []
    inner = made.model
    made.model = lambda pixel_values: (seen.append(len(pixel_values)), inner(pixel_values=pixel_values))[1]
    made.annotate([picture(120, 160, seed) for seed in range(6)], {})
    assert seen == [4, 2]


class Said:
    """A model that says the same of every picture: boxes in pixels of a picture of some size, each of a class with a score."""

    def __init__(self, boxes: np.ndarray, classes: list[int], scores: list[float], size: tuple[int, int]) -> None:
        height, width = size
        centers, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        fractions = np.concatenate([centers, sides], axis=1) / [width, height, width, height]
        self.boxes = torch.tensor(fractions, dtype=torch.float32)
        self.classes, self.scores = classes, scores

    def __call__(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        count = len(pixel_values)
        return SimpleNamespace(logits=self.logits().expand(count, -1, -1), pred_boxes=self.boxes.expand(count, -1, -1))

    def logits(self) -> torch.Tensor:
        raise NotImplementedError


class Softmax(Said):
    """With a further class for nothing, as YOLOS."""

    def logits(self) -> torch.Tensor:
        found = torch.full((len(self.scores), len(tiny.CLASSES) + 1), 1e-9)
        for query, (number, score) in enumerate(zip(self.classes, self.scores, strict=True)):
            found[query, -1], found[query, number] = 1 - score, score
        return found.log()


class Sigmoid(Said):
    """Each class by itself, as D-FINE and RT-DETR."""

    def logits(self) -> torch.Tensor:
        found = torch.full((len(self.scores), len(tiny.CLASSES)), -20.0)
        for query, (number, score) in enumerate(zip(self.classes, self.scores, strict=True)):
            found[query, number] = torch.logit(torch.tensor(score))
        return found


STUBS: dict[str, type[Said]] = {"yolos-tiny": Softmax, "d-fine": Sigmoid, "rt-detr": Sigmoid}


@pytest.mark.parametrize("size", [(481, 640), (1333, 321), (97, 1201), (64, 64), (1999, 3001)])
def test_boxes_come_back_to_where_they_were(model: tuple[str, Path], size: tuple[int, int]) -> None:
    height, width = size
    boxes = np.array(
        [[0.25, 1.5, width - 3.125, height / 2], [width / 3, height / 4, width / 3 + 5.5, height / 4 + 7.25]]
    )
    beyond = np.array([[-20.0, -9.0, 10.5, 12.25]])
    cycle = np.array([[1.0, 1, 30, 30]])
    made = detector(*model)
    made.model = STUBS[model[0]](np.concatenate([boxes, beyond, cycle]), [1, 1, 1, 2], [0.6, 0.9, 0.75, 0.99], size)
    (row,) = made.annotate([picture(*size)], {})
    assert isinstance(row, dict)
    expected = np.array([boxes[1], [0.0, 0.0, 10.5, 12.25], boxes[0]])
    assert np.abs(np.asarray(row["boxes"]) - expected).max() < 1e-3
    assert row["scores"] == pytest.approx([0.9, 0.75, 0.6], abs=1e-5)
    areas = (expected[:, 2] - expected[:, 0]) * (expected[:, 3] - expected[:, 1])
    assert row["area_ratios"] == pytest.approx(areas / (height * width), rel=1e-3)


def test_the_floor_holds(model: tuple[str, Path]) -> None:
    found = registry.get("person", model[0])
    made = found(found.Settings(min_score=0.7), "cpu", standing_in(found.card.weights, model[1]))
    made.load()
    boxes = np.array([[1.0, 1, 30, 30], [2, 2, 40, 40]])
    made.model = STUBS[model[0]](boxes, [1, 1], [0.69, 0.71], (64, 64))  # type: ignore[attr-defined]
    (row,) = made.annotate([picture(64, 64)], {})
    assert isinstance(row, dict) and row["scores"] == pytest.approx([0.71])


def test_the_class_of_people_is_found_by_its_name() -> None:
    assert person_label({0: "N/A", 1: "person"}) == 1
    assert person_label({0: "Person", 1: "Sneakers"}) == 0
    for names in ({0: "dog"}, {0: "person", 1: "Person"}):
        with pytest.raises(WeightError, match="needs one class called person"):
            person_label(names)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    tiny.yolos(tmp_path / "yolos")
    with pytest.raises(WeightError, match=r"yolos holds a yolos model, not d_fine"):
        detector("d-fine", tmp_path / "yolos")
    (tmp_path / "yolos" / "preprocessor_config.json").unlink()
    with pytest.raises(WeightError, match=r"yolos lacks preprocessor_config.json"):
        detector("yolos-tiny", tmp_path / "yolos")


def test_wrong_weights_leave_nothing_behind(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=2)
    url = str(tmp_path / "people")
    with pytest.raises(WeightError, match="holds a yolos model"):
        annotate(url, asked("d-fine", tiny.yolos(tmp_path / "yolos")), local=True)
    right = asked("d-fine", tiny.dfine(tmp_path / "dfine"))
    assert not (tmp_path / "people/layers/person/d-fine").exists()
    assert annotate(url, right, local=True).rows == {"person/d-fine": {"ok": 2}}


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = tiny.yolos(tmp_path / "yolos") / "model.safetensors"
    tensors = load_file(file)
    gone = tensors.pop("class_labels_classifier.layers.2.weight")
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(
        WeightError, match=r"lacks weights of YolosForObjectDetection.*class_labels_classifier.layers.2.weight"
    ):
        detector("yolos-tiny", tmp_path / "yolos")
    save_file({**tensors, "class_labels_classifier.layers.2.weight": gone[:, :5].contiguous()}, file, {"format": "pt"})
    with pytest.raises(WeightError, match=r"yolos"):
        detector("yolos-tiny", tmp_path / "yolos")


def test_what_goes_into_the_fingerprint(model: tuple[str, Path]) -> None:
    found = registry.get("person", model[0])

    def fingerprint(device: str = "cpu", weights: dict[Weight, Weight] | None = None, **settings: Any) -> str:
        own = standing_in(found.card.weights, model[1]) if weights is None else weights
        return str(found(found.Settings(**settings), device, own).provenance({})["fingerprint"])

    usual = fingerprint()
    assert usual == fingerprint(batch_size=8, pixel_budget=1, compile=True, threads=2) == fingerprint(dtype="float32")
    (card,) = found.card.weights
    other = {card: Weight(str(model[1]), "0" * 64, 1)}
    assert len({usual, fingerprint(dtype="float16"), fingerprint(min_score=0.5), fingerprint(weights=other)}) == 4


def full_size(name: str, folder: Path) -> Row:
    """A row of a model of the real size with random weights, and that size."""
    made = detector(name, FULL[name](folder))
    parameters = sum(value.numel() for value in made.model.parameters())
    (row,) = made.annotate([photograph(SEVERAL)], {})
    assert isinstance(row, dict)
    return {**row, "parameters": parameters}


def full_yolos(folder: Path) -> Path:
    """YOLOS-Tiny: DeiT-Ti for 800 x 1333, 100 queries, 91 classes and one for nothing."""
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    config = YolosConfig(
        hidden_size=192,
        num_attention_heads=3,
        intermediate_size=768,
        image_size=[800, 1333],
        use_mid_position_embeddings=False,
        id2label={number: "person" if number == 1 else str(number) for number in range(91)},
    )
    processor = YolosImageProcessor(size={"shortest_edge": 512, "longest_edge": 1333})
    return tiny.saved(folder, lambda: YolosForObjectDetection(config), processor)


def full_dfine(folder: Path) -> Path:
    """D-FINE-X: HGNetV2-B5, encoder of 384."""
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config, RTDetrImageProcessor

    backbone = HGNetV2Config(
        stem_channels=[3, 32, 64],
        stage_in_channels=[64, 128, 512, 1024],
        stage_mid_channels=[64, 128, 256, 512],
        stage_num_blocks=[1, 2, 5, 2],
        stage_light_block=[False, False, True, True],
        stage_kernel_size=[3, 3, 5, 5],
        stage_downsample=[False, True, True, True],
        out_features=["stage2", "stage3", "stage4"],
    )
    config = DFineConfig(
        backbone_config=backbone,
        encoder_hidden_dim=384,
        encoder_ffn_dim=2048,
        decoder_in_channels=[384, 384, 384],
        feat_strides=[8, 16, 32],
        id2label={number: "person" if number == 0 else str(number) for number in range(80)},
    )
    return tiny.saved(folder, lambda: DFineForObjectDetection(config), RTDetrImageProcessor())


def full_rtdetr(folder: Path) -> Path:
    """RT-DETRv2-X: ResNet-101 in the variant d, encoder of 384."""
    from transformers import RTDetrImageProcessor, RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

    config = RTDetrV2Config(
        backbone_config=RTDetrResNetConfig(depths=[3, 4, 23, 3], out_features=["stage2", "stage3", "stage4"]),
        encoder_hidden_dim=384,
        encoder_ffn_dim=2048,
        decoder_in_channels=[384, 384, 384],
        id2label={number: "person" if number == 0 else str(number) for number in range(80)},
    )
    return tiny.saved(folder, lambda: RTDetrV2ForObjectDetection(config), RTDetrImageProcessor())


FULL: dict[str, Callable[[Path], Path]] = {"yolos-tiny": full_yolos, "d-fine": full_dfine, "rt-detr": full_rtdetr}


@pytest.mark.slow
def test_a_compiled_model_says_the_same(tmp_path: Path) -> None:
    folder = tiny.yolos(tmp_path / "tiny")
    pictures = [picture(120, 160, seed) for seed in range(3)]
    usual, compiled = (detector("yolos-tiny", folder, compile=on).annotate(pictures, {}) for on in (False, True))
    for one, other in zip(usual, compiled, strict=True):
        assert isinstance(one, dict) and isinstance(other, dict)
        assert other["scores"] == pytest.approx(one["scores"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "millions"), [("yolos-tiny", 6.5), ("d-fine", 62), ("rt-detr", 76)])
def test_the_real_architecture_answers(name: str, millions: float, tmp_path: Path) -> None:
    row = full_size(name, tmp_path)
    assert row["parameters"] / 1e6 == pytest.approx(millions, rel=0.05)
    assert len(row["boxes"]) == len(row["scores"]) and 0 <= row["union_area_ratio"] <= 1
