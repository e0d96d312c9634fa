"""``humanverse view``: made, shown, listed, replaced, deleted; and what cannot be done, in one line."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import humanverse
from humanverse.dataset import views
from humanverse.dataset.create import create_or_continue
from humanverse.errors import UserError
from humanverse.report import write
from humanverse.storage import Store
from pipelines import cli
from pipelines.dedup import dedup
from pipelines.view import delete, look, look_at_all, make
from tests import datasets
from tests.similar import add_shard, hashes, near, similar_dataset
from tests.views import varied_dataset

A, B = hashes(2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("view") / "people"
    varied_dataset(path, per_shard=10)
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "people"))


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["humanverse", "view", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def alike(path: Path, shards: int = 1) -> Store:
    """A dataset of which the second sample of each shard looks like the first of all."""
    return similar_dataset(path, [[{"picture": 2 * n, "phash": B if n else A}, {"picture": 2 * n + 1, "phash": near(A)}]
                                  for n in range(shards)], planned_shards=3)  # fmt: skip


def test_it_is_made_counted_and_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--where", "caption ILIKE '%dance%'", "--where", "len(person.boxes)\n > 0", "--layers", "pose=test"]
    assert call(monkeypatch, folder, "dancers", *words) == 0
    shown = capsys.readouterr().out
    assert call(monkeypatch, folder, "dancers") == 0
    assert capsys.readouterr().out == shown
    counts = humanverse.open(str(folder)).view("dancers").card.counts
    assert counts is not None
    first, second = counts.steps
    for figures in (
        ["all samples", "20", "100.0%"],
        ["caption ILIKE '%dance%'", str(first.left_out), str(first.said_nothing), str(first.after)],
        ["len(person.boxes) > 0", str(second.left_out), str(second.said_nothing), str(second.after)],
    ):
        (line,) = [line for line in shown.splitlines() if figures[0] in line]
        assert line.split()[-len(figures) : -1] == figures[1:] or line.split()[-2:] == figures[1:]
    assert f"view dancers: {counts.kept} of 20 samples in 2 shards" in shown
    assert "layer of kind pose: pose/test" in shown
    carried = "an export carries: pose/test; not, unless named with --layers: caption/test, depth/test, person/test"
    assert carried in shown


def test_json_is_one_object_with_the_funnel(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, folder, "wide", "--where", "original_width > 500", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (step,) = told["counts"]["steps"]
    assert step["before"] == told["counts"]["samples"] == 20
    assert step["after"] == told["kept"] == humanverse.open(str(folder)).count("wide")
    assert (told["name"], told["made_by"], told["where"]) == ("wide", "view", ["original_width > 500"])
    assert (told["shards"], told["unreadable"], told["problem"]) == (2, 0, "")
    assert call(monkeypatch, folder, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"views": [told]}


def test_the_command_that_makes_it_again_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = make(str(folder), "odd", ["caption LIKE '%a \"dancer\"%'", "width > 1 -- all"], ["pose=test"])
    before = json.loads((folder / "views/odd.json").read_text())
    program, command, *words = shlex.split(told.again)
    assert (program, command) == ("humanverse", "view")
    assert call(monkeypatch, *words) == 0
    after = json.loads((folder / "views/odd.json").read_text())
    assert {**after, "time": ""} == {**before, "time": ""}


def test_filters_of_another_view_are_taken_over(tmp_path: Path) -> None:
    store = alike(tmp_path / "d", 2)
    dedup(store.url, view="unlike")
    make(store.url, "good", ["width > 1"], exclude=["unlike", "unlike"])
    opened = humanverse.open(store.url)
    assert [item.columns["row"] for item in opened.samples(view="good")] == [0, 5]
    assert opened.view("good").card.exclude == ("unlike/000000",)
    for _ in range(3):
        dedup(store.url, view="unlike")
    assert humanverse.open(store.url).count("good") == 2
    add_shard(store, 2, [{"picture": 8}, {"picture": 9}])
    with pytest.raises(UserError) as caught:
        humanverse.open(store.url).count("good")
    again = f"run humanverse dedup {store.url} --view unlike, then humanverse view {store.url} good --exclude unlike"
    assert again in str(caught.value)
    dedup(store.url, view="unlike")
    make(store.url, "good", ["width > 1"], exclude=["unlike"], replace=True)
    assert humanverse.open(store.url).count("good") == 4


def test_what_the_view_is_without_filters_follows_the_dataset(tmp_path: Path) -> None:
    store = alike(tmp_path / "d")
    make(store.url, "all", ["width > 1"])
    add_shard(store, 1, [{"picture": 8}, {"picture": 9}])
    assert humanverse.open(store.url).count("all") == 4
    told = look(store.url, "all")
    assert told.counts is not None
    assert (told.shards, told.counts.shards, told.unreadable) == (2, 1, 0)


def test_a_view_is_not_replaced_by_accident(tmp_path: Path) -> None:
    store = alike(tmp_path / "d")
    dedup(store.url)
    make(store.url, "good", ["width > 1"])
    with pytest.raises(UserError, match="has a view good already: give another name, or --replace"):
        make(store.url, "good", ["width > 2"])
    with pytest.raises(UserError, match="has a view dedup already, made by dedup"):
        make(store.url, "dedup", ["width > 2"])
    with pytest.raises(UserError, match="was not made by dedup"):
        dedup(store.url, view="good")
    make(store.url, "good", ["width > 100000"], replace=True)
    assert humanverse.open(store.url).count("good") == 0
    (tmp_path / "d/views/good.json").write_text("{")
    make(store.url, "good", ["width > 1"], replace=True)
    assert humanverse.open(store.url).count("good") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"where": ["widht > 1"]}, "near: width"),
        ({"where": ["width"]}, "not a condition"),
        ({"where": ["random() > 1"]}, "random is not allowed"),
        ({"where": [" "]}, "an empty expression"),
        ({"layers": ["pose"]}, "write KIND=NAME"),
        ({"layers": ["pos=test"]}, "no such kind: choose from person"),
        ({"layers": ["pose=best"]}, "no layer pose/best"),
        ({"layers": ["pose=test", "pose=test"]}, "there is one of this kind already"),
        ({"exclude": ["dedup"]}, "no view dedup"),
        ({"exclude": ["other"]}, "has expressions too"),
        ({"where": ['"pose/best".scores = []']}, "no layer pose/best"),
        ({"where": ["safety.unsafe < 0.5"]}, "no layer safety"),
    ],
)
def test_what_cannot_be_asked_for_writes_nothing(folder: Path, words: dict[str, Any], message: str) -> None:
    make(str(folder), "other", ["width > 1"])
    with pytest.raises(UserError, match=message) as caught:
        make(str(folder), "good", **words)
    assert "\n" not in str(caught.value)
    assert [path.name for path in (folder / "views").iterdir()] == ["other.json"]


def test_a_kind_with_several_layers_needs_a_pin(folder: Path) -> None:
    shutil.copytree(folder / "layers/person/test", folder / "layers/person/other")
    with pytest.raises(UserError, match="say --layers person=other or --layers person=test"):
        make(str(folder), "good", ["person.scores = []"])
    make(str(folder), "good", ["person.scores = []"], ["person=test"])
    make(str(folder), "also", ['"person/test".scores = []'])


def test_an_empty_dataset_has_nothing_to_count(tmp_path: Path) -> None:
    create_or_continue(Store(tmp_path / "d"), datasets.recipe_of(), {"kind": "table", "rows": 3, "shard_size": 3})
    with pytest.raises(UserError, match="no committed shard: build it first"):
        make(str(tmp_path / "d"), "good", ["width > 1"])


def test_deleting(tmp_path: Path) -> None:
    store = alike(tmp_path / "d")
    dedup(store.url)
    make(store.url, "good", exclude=["dedup"])
    delete(store.url, "dedup")
    assert humanverse.open(store.url).count("good") == 1
    (tmp_path / "d/views/good.json").write_text("{")
    delete(store.url, "good")
    assert humanverse.open(store.url).views() == []
    with pytest.raises(UserError, match=r"no view good .* there are none"):
        delete(store.url, "good")


def test_damaged_views_are_listed(folder: Path) -> None:
    make(str(folder), "good", layers=["pose=test"])
    (folder / "views/bad.json").write_text("{")
    bad, good = look_at_all(str(folder))
    assert (bad.name, bad.unreadable, "is not JSON" in bad.problem) == ("bad", 2, True)
    assert (good.name, good.unreadable, good.problem, good.layers) == ("good", 0, "", {"pose": "pose/test"})
    assert views.names(Store(folder)) == ["bad", "good"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--where", "width > 1"], "say which view"),
        (["--delete"], "say which view"),
        (["good"], "no view good"),
        (["Good", "--where", "true"], "cannot be called"),
        (["good", "--replace"], "--replace with what?"),
        (["good", "--delete", "--where", "true"], "--delete goes with no other option"),
        (["good", "--delete"], "no view good"),
    ],
)
def test_words_that_do_not_go_together(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    assert call(monkeypatch, folder, *words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and message in err


def test_the_list_and_deleting_on_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, folder) == 0
    assert capsys.readouterr().out == f"{folder}: no views\n"
    make(str(folder), "wide", ["original_width > 500", "height > 1"])
    capsys.readouterr()
    assert call(monkeypatch, folder) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "wide" in line]
    assert "original_width > 500 AND height > 1" in line and "can be read" in line
    assert call(monkeypatch, folder, "wide", "--delete") == 0
    assert capsys.readouterr().out == f"{folder}: the view wide is deleted\n"


def test_the_list_is_short_and_knows_what_dedup_has_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = dedup(str(folder))
    make(str(folder), "wide", [f"original_width > {width}" for width in range(20)])
    capsys.readouterr()
    assert call(monkeypatch, folder) == 0
    head, _, one, other = [line.split("  ") for line in capsys.readouterr().out.splitlines() if line.strip()][1:]
    assert [cell.strip() for cell in head if cell] == ["view", "samples", "made of", "state"]
    assert [cell.strip() for cell in one if cell] == [
        "dedup",
        str(found.samples - found.left_out),
        "without dedup/000000",
        "can be read",
    ]
    assert [len(cell.strip()) for cell in other if "original_width" in cell] == [80]


def test_the_report_of_a_view_shows_its_samples_and_its_funnel(folder: Path, tmp_path: Path) -> None:
    opened = humanverse.open(str(folder))
    make(str(folder), "rare", ["len(person.boxes) = 3", "list_max(person.scores) > 0.2"])
    kept = [item.uid for item in humanverse.open(str(folder)).samples(view="rare")]
    write(opened, tmp_path / "page.html", 100, "rare")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 0 < len(kept) < 10
    assert [item.uid in page for item in opened.samples()].count(True) == len(kept)
    assert all(uid in page for uid in kept)
    assert "len(person.boxes) = 3" in page and "because a layer or the source says nothing" in page
    assert f"{len(kept)} of the samples; all figures" in page
    assert "--view rare" in page
