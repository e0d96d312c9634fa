"""A segmentation layer from the annotator to everything that reads layers."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanverse.codec.maps import decode_segmentation
from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.stats import stats
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.export.base import Settings
from humanverse.report.page import write as write_report
from pipelines.annotate import annotate
from pipelines.compact import compact
from pipelines.compare import compare
from pipelines.export import export
from pipelines.plan_layers import Asked
from pipelines.preview import preview
from pipelines.view import make
from tests.datasets import make_dataset
from tests.pipelines.layers import rows

TOYS = "tests.pipelines.toy_parts"
BANDS = f"{TOYS}:Bands"
HEIGHT, WIDTH = 24, 32
SHOD = (
    "list_sum(list_transform(segmentation.label_names, "
    "lambda n, i: CASE WHEN n LIKE '%Shoe' THEN segmentation.label_areas[i] ELSE 0 END))"
)


def add(place: Path, annotator: str, name: str, kind: str = "segmentation", **settings: Any) -> Mapping[str, Any]:
    result = annotate(str(place), Asked({kind: f"{TOYS}:{annotator}"}, {kind: name}, {kind: settings}), local=True)
    assert result.lost == {}, result.lost
    return rows(place, f"{kind}/{name}")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    add(tmp_path / "people", "Bands", "bands")
    return tmp_path / "people"


def test_a_row_says_what_is_in_the_map_and_verify_agrees(people: Path) -> None:
    dataset = Dataset(str(people))
    for shard in dataset.shards():
        for row in dataset.layer("segmentation/bands", shard).to_pylist():
            assert (row["labels"], row["label_names"]) == ([0, 1, 2], ["Background", "Hair", "Left_Shoe"])
            known = 1 - 1 / HEIGHT
            assert row["label_areas"] == pytest.approx([known / 4, known / 2, known / 4])
            png = dataset.map_png("segmentation/bands", shard, row)
            assert png is not None and decode_segmentation(png).shape == (HEIGHT, WIDTH)
    assert dataset.layer_card("segmentation/bands")["labels"] == ["Background", "Hair", "Left_Shoe", "Bag"]
    assert verify(dataset).findings == ()


@pytest.mark.parametrize(
    ("annotator", "why"),
    [
        ("Misnames", "it has not as many label_names as labels"),
        ("Averages", "label ids are integers"),
    ],
)
def test_rows_that_are_none_fail_and_say_why(tmp_path: Path, annotator: str, why: str) -> None:
    make_dataset(tmp_path / "people", shards=1)
    made = add(tmp_path / "people", annotator, "wrong")
    assert {row["status"] for row in made.values()} == {"failed"}
    assert all(why in row["reason"] for row in made.values())
    assert verify(Dataset(str(tmp_path / "people"))).findings == ()


def test_an_annotator_that_does_not_name_its_labels_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    with pytest.raises(UserError, match=r"segmentation/nameless does not say in labels what its ids are: .* describes"):
        add(tmp_path / "people", "Nameless", "nameless")
    assert not (tmp_path / "people/layers/segmentation").exists()


def test_an_annotator_is_given_the_maps_that_it_needs(people: Path) -> None:
    made = add(people, "HairShare", "hair", "aesthetic")
    assert [row["score"] for row in made.values()] == pytest.approx([(1 - 1 / HEIGHT) / 2] * 6)
    both = Asked(
        {"segmentation": BANDS, "aesthetic": f"{TOYS}:HairShare"},
        {"segmentation": "less", "aesthetic": "less"},
        {"segmentation": {"hair": 0.25}},
    )
    annotate(str(people), both, local=True)
    less = [row["score"] for row in rows(people, "aesthetic/less").values()]
    assert less == pytest.approx([(1 - 1 / HEIGHT) / 4] * 6)


def test_forgotten_samples_are_passed_over(people: Path) -> None:
    gone = Dataset(str(people)).images(0).column("uid")[1].as_py()
    tombstones.write(Dataset(str(people)).store, Tombstones(frozenset({gone})), "asked")
    made = add(people, "HairShare", "hair", "aesthetic")
    assert gone not in made and len(made) == 5
    compact(str(people))
    assert verify(Dataset(str(people))).findings == ()
    with tarfile.open(next((people / "layers/segmentation/bands").glob("000000.*tar"))) as tar:
        assert [name for name in tar.getnames() if gone in name] == [] and len(tar.getnames()) == 2


def test_a_view_chooses_by_labels(people: Path) -> None:
    add(people, "Bands", "less", hair=0.25)
    for expression, kept in (
        ("list_contains(segmentation.label_names, 'Hair')", 6),
        ("list_contains(segmentation.label_names, 'Bag')", 0),
        ("segmentation.label_areas[list_position(segmentation.label_names, 'Hair')] > 0.3", 6),
        ("list_contains(segmentation.labels, 2)", 6),
        ("list_contains(list_transform(segmentation.label_names, lambda n: lower(n)), 'hair')", 6),
        (f"{SHOD} > 0.23", 6),
        (f"{SHOD} > 0.25", 0),
    ):
        make(str(people), "chosen", [expression], ["segmentation=bands"], replace=True)
        assert Dataset(str(people)).count("chosen") == kept, expression


def test_stats_and_report_show_it(people: Path, tmp_path: Path) -> None:
    numbers = stats(Dataset(str(people)))["numbers"]
    assert numbers["segmentation/bands.people_area"]["mean"] == pytest.approx(0.75 * (1 - 1 / HEIGHT), abs=1e-4)
    assert numbers["segmentation/bands.parts"]["max"] == 2
    write_report(Dataset(str(people)), tmp_path / "report.html", 3)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("parts of people; 71.9 % of the picture") == 3 * 2, "as caption and as alternative text"
    assert text.count("Hair 47.9 %") == 3 and "http://" not in text.split("</style>")[-1].split("<h2>")[0]


def test_a_preview_shows_it(people: Path, tmp_path: Path) -> None:
    asked = Asked({"segmentation": BANDS}, {"segmentation": "tried"}, {"segmentation": {"hair": 0.25}})
    preview(str(people), asked, 2, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("Hair 24.0 %") == 2
    both = Asked({"aesthetic": f"{TOYS}:HairShare"})
    assert preview(str(people), both, 2, tmp_path / "page.html").rows["aesthetic/hair-share"] == {"ok": 2}


def test_two_layers_are_compared_with_their_maps_on_the_page(people: Path, tmp_path: Path) -> None:
    add(people, "Bands", "less", hair=0.25)
    result = compare(str(people), "segmentation", "less", "bands", tmp_path / "page.html")
    figures = result.comparison.findings.figures
    assert figures["labels"]["Hair"]["iou"] == pytest.approx(0.5)
    assert figures["labels"]["Left_Shoe"]["iou"] == 0
    assert figures["pixel_accuracy"] == pytest.approx(0.5)
    assert [item.value for item in result.comparison.worst] == pytest.approx([1 - (0.5 + 0.5 + 0) / 3] * 6)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 3 * 6 and page.count("Hair 24.0 %") == page.count("Hair 47.9 %") == 6


def test_exports_have_the_maps(people: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(str(people), str(tmp_path / "tars"), "webdataset", Settings())
    with tarfile.open(tmp_path / "tars/000000.tar") as tar:
        maps = [name for name in tar.getnames() if name.endswith(".segmentation.png")]
        facts = json.loads(_member(tar, maps[0].replace("segmentation.png", "json")))
        ids = decode_segmentation(_member(tar, maps[0]))
    assert len(maps) == 3 and facts["layers"]["segmentation"]["label_names"] == ["Background", "Hair", "Left_Shoe"]
    assert ids.shape == (HEIGHT, WIDTH)
    export(str(people), str(tmp_path / "hf"), "hf", Settings())
    loaded = datasets.load_dataset(str(tmp_path / "hf"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.features["map_segmentation"] == datasets.Image()
    assert isinstance(loaded[0]["map_segmentation"], Image.Image)
    assert (np.asarray(loaded[0]["map_segmentation"]) == ids).all()
    assert loaded[0]["layer_segmentation"]["labels"] == [0, 1, 2]
    assert "image-segmentation" in (tmp_path / "hf/README.md").read_text()


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return io.BytesIO(file.read()).getvalue()
