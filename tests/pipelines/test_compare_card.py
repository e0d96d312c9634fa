"""``compare`` without a kind, from end to end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from humanverse.compare.run import compare
from humanverse.dataset import layout
from humanverse.dataset.create import json_bytes
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.cli import app
from pipelines.compare_card import compare_card
from pipelines.import_coco import import_coco
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer, longer
from tests.humanverse.compare.test_truth import mark

RUNNER = CliRunner()


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Two shards of three with persons, poses and captions, and truth of them; poses are of the truth's persons."""
    make_dataset(tmp_path / "people")
    dataset = Dataset(str(tmp_path / "people"))
    for kind in ("person", "pose"):
        add_layer(dataset, f"{kind}/truth", f"{kind}/test", lambda row, said: said)
        mark(dataset, f"{kind}/truth")
    add_layer(dataset, "caption/truth", "caption/test", longer)
    card = {**dataset.layer_card("pose/test"), "reads": {"person": "person/truth"}}
    dataset.store.write(layout.layer_card("pose/test"), json_bytes(card))
    return str(tmp_path / "people")


def test_a_line_for_each_layer(place: str) -> None:
    add_layer(Dataset(place), "caption/half", "caption/test", longer, shards=[1])
    add_layer(Dataset(place), "caption/none", "caption/test", longer, shards=[])
    shown = RUNNER.invoke(app, ["compare", place])
    assert shown.exit_code == 0, shown.output
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[0].startswith(f"{place}: 4 layers beside ground truth")
    assert any(re.match(r"person test AP ↑ 1.000, AP50 ↑ 1.000, AR ↑ 1.000 50% 6 0$", line) for line in lines)
    assert any(re.match(r"caption half characters ↑ 1.000, words ↑ 1.000 - 3 0$", line) for line in lines)
    assert "caption/half: 1 committed shard does not have caption/half" in lines
    assert "pose/test was made from person/truth, which is ground truth" in lines
    assert any(line.startswith("caption/none was left out: no shard has both") for line in lines)
    assert f"more of one: humanverse compare {place} person test truth" in lines


def test_json_has_the_figures_of_each(place: str) -> None:
    told = json.loads(RUNNER.invoke(app, ["compare", place, "--json"]).stdout)
    assert told["truths"] == {"person": "person/truth", "pose": "pose/truth", "caption": "caption/truth"}
    assert [(item["kind"], item["name"], item["compared"]) for item in told["layers"]] == [
        ("person", "test", 6), ("pose", "test", 6), ("caption", "test", 6),
    ]  # fmt: skip
    assert told["layers"][0]["headlines"][0] == {"name": "AP", "value": pytest.approx(1), "unit": "", "better": "more"}
    alone = compare(Dataset(place), "caption", "test", "truth").findings.figures
    assert told["layers"][2]["figures"] == alone and told["left_out"] == {}
    assert told["layers"][1]["made_from_truth"] == ["person/truth"]


def test_another_truth_and_a_page(place: str, tmp_path: Path) -> None:
    page = tmp_path / "card.html"
    shown = RUNNER.invoke(app, ["compare", place, "--truth", "test", "--out", str(page)])
    assert shown.exit_code == 0, shown.output
    assert f"page: {page}" in shown.stdout and "caption" in shown.stdout
    html = page.read_text(encoding="utf-8")
    assert (
        "caption/truth" in html and "person/truth" not in re.search(r'<table class="judged">.*?</table>', html, re.S)[0]
    )
    assert f"humanverse compare {place} --out card.html --truth test" in html


def test_a_terminal_of_80_columns(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of the table is cut or longer, and each figure is on a line of its own."""
    add_layer(Dataset(place), "pose/vitpose-h-wholebody", "pose/test", lambda row, said: said)
    add_layer(Dataset(place), "caption/a-long-name-of-a-layer", "caption/test", longer)
    for name, value in (("TTY_COMPATIBLE", "1"), ("COLUMNS", "80"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    shown = RUNNER.invoke(app, ["compare", place]).stdout
    head = shown.partition("more is better")[0].splitlines()[1:-1]
    table = [line.rstrip() for line in head if "↑" in line]
    assert [" ".join(line.split()) for line in table[:3]] == [
        "person test AP ↑ 1.000 50% 6 0", "AP50 ↑ 1.000", "AR ↑ 1.000",
    ]  # fmt: skip
    assert any("vitpose-h-wholebody" in line and "AP body ↑ 1.000" in line for line in table)
    assert "…" not in shown and max(len(line) for line in head) <= 80


def test_imported_ground_truth_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    place, file = str(tmp_path / "people"), tmp_path / "truth.json"
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [80, 60, 80, 150], "area": 9000, "iscrowd": 0}
    points = {"keypoints": [100, 100, 2] * 17, "num_keypoints": 17}
    image = {"id": 1, "file_name": "0.jpg", "width": 320, "height": 240}
    whole = {"images": [image], "annotations": [{**box, **points}], "categories": [{"id": 1, "name": "person"}]}
    file.write_text(json.dumps(whole))
    import_coco(place, file, {"person": "coco", "pose": "coco"})
    found = compare_card(place).card
    assert dict(found.truths) == {"person": "person/coco", "pose": "pose/coco"}
    assert [(row.layer, row.compared, row.headlines[0].name) for row in found.rows] == [
        ("person/test", 1, "AP"), ("pose/test", 1, "AP body"),
    ]  # fmt: skip
    assert found.rows[0].headlines[0].value == pytest.approx(1)


def test_what_is_refused_in_one_line(place: str, tmp_path: Path) -> None:
    for words, why in (
        (["--worst", "3"], "--worst is of two layers: give KIND NAME_A NAME_B too"),
        (["caption", "test", "truth", "--truth", "x"], "here NAME_B is the reference"),
        (["--truth", "x"], "no layer of .* is called 'x'"),
        (["--out", str(tmp_path / "absent" / "card.html")], "there is no folder"),
    ):
        refused = RUNNER.invoke(app, ["compare", place, *words])
        assert isinstance(refused.exception, UserError) and re.search(why, str(refused.exception)), words
    assert RUNNER.invoke(app, ["compare", place, "pose"]).exit_code == 2
    make_dataset(tmp_path / "plain", shards=1)
    with pytest.raises(UserError, match="is ground truth: name what the others are judged by with --truth NAME"):
        compare_card(str(tmp_path / "plain"))
    make_dataset(tmp_path / "empty", shards=0, planned_shards=2)
    with pytest.raises(UserError, match="no committed shard"):
        compare_card(str(tmp_path / "empty"))
