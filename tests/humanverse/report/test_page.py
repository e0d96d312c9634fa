from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from humanverse.dataset import blocklists, layout
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.plan_retry import plan
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import write_filter, write_view
from humanverse.errors import DatasetError, UserError
from humanverse.report import page, write
from humanverse.report.samples import SIDE
from schemas.recipe import BlockSettings, FetchSettings
from tests.datasets import LAYERS, LOST, make_dataset

VOID = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """The elements of a page, and all its text; complains where an element is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str, css_class: str = "") -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and (not css_class or css_class in attributes.get("class", "").split())
        ]


def report(path: Path, out: Path, samples: int = 48) -> Page:
    write(Dataset(str(path)), out, samples)
    return Page(out.read_text(encoding="utf-8"))


def picture(attributes: dict[str, str]) -> Image.Image:
    head, _, data = attributes["src"].partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("report")
    make_dataset(folder / "people", shards=3, per_shard=4, columns={"license": "CC BY 4.0", "similarity": "0.31"})
    return report(folder / "people", folder / "page.html", samples=8)


def test_the_page_needs_nothing_but_itself(finished: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in finished.elements}
    for _, attributes in finished.elements:
        assert attributes.get("src", "data:").startswith("data:")
        assert not any(name.startswith("on") for name in attributes)
        assert "url(" not in attributes.get("style", "")
    policy = next(item["content"] for item in finished.all("meta") if "http-equiv" in item)
    assert "default-src 'none'" in policy
    assert "url(" not in (Path(page.__file__).with_name("page.css")).read_text(encoding="utf-8")


def test_the_head_says_what_it_is(finished: Page) -> None:
    assert finished.all("span", "good")
    for words in ("complete", "3 of 3 committed", "table, 21 rows", f"version {layout.FORMAT}", "min_area_ratio: 0.15"):
        assert words in finished.words
    assert re.search(r"layers made\s*\d{4}-\d\d-\d\d \d\d:\d\d UTC, humanverse", finished.words)


def test_pictures_are_embedded_small_with_and_without_what_was_found(finished: Page) -> None:
    drawn, plain, maps = (finished.all("img", name) for name in ("drawn", "plain", "dense"))
    assert len(drawn) == len(plain) == len(maps) == 8
    assert len({item["src"] for item in drawn}) == 8
    for item in (drawn[0], plain[0]):
        shown = picture(item)
        assert max(shown.size) <= SIDE
        assert shown.size == (int(item["width"]), int(item["height"]))
        assert item["alt"].startswith("alt text of row")
    assert drawn[0]["src"] != plain[0]["src"]
    assert picture(maps[0]).size == (64, 48)


def test_samples_say_what_is_known_about_them(finished: Page) -> None:
    for words in (
        "alt text of row 0",
        "one person, row 0",
        "written by caption/test (template)",
        "320 × 240",
        "CC BY 4.0",
    ):
        assert words in finished.words
    link = finished.all("a")[0]
    assert link["href"] == "https://pictures.example/0.jpg"
    assert set(link["rel"].split()) == {"noreferrer", "noopener", "nofollow"}


def test_tables_and_drawings_can_be_read_aloud(finished: Page) -> None:
    assert all(item.get("scope") in ("row", "col") for item in finished.all("th"))
    assert all(item["role"] == "img" and item["aria-label"] for item in finished.all("svg"))
    assert all(item["alt"] for item in finished.all("img"))
    assert [tag for tag, _ in finished.elements].count("h1") == 1


def test_losses_and_layers_are_listed(finished: Page) -> None:
    for _, reason, _ in LOST:
        assert reason in finished.words
    for layer in LAYERS:
        assert layer in finished.words
    assert "model of pose/test" in finished.words
    assert "license, as the source states it" in finished.words


def test_how_to_make_it_again(finished: Page) -> None:
    assert re.search(r"humanverse report \S+people --out page.html --samples 8", finished.words)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'></textarea>\u202egnp"
    columns = {"caption": attack, "license": attack, "url": "javascript:alert(document.cookie)//https://a.b"}
    make_dataset(tmp_path / "d", shards=1, per_shard=1, columns=columns)
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert not found.all("script") and not found.all("textarea") and not found.all("a")
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    assert all(item["src"].startswith("data:image/jpeg;base64,") for item in found.all("img"))
    assert "<script>alert(1)</script>" in found.words
    assert "javascript:alert(document.cookie)" in found.words
    assert "\u202e" not in found.words


def test_a_url_with_quotes_cannot_leave_its_attribute(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1, columns={"url": 'https://a.b/"onmouseover="alert(1)'})
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert found.all("a") == [
        {
            "href": 'https://a.b/"onmouseover="alert(1)',
            "rel": "noreferrer noopener nofollow",
            "target": "_blank",
        }
    ]


@pytest.mark.parametrize(("shards", "per_shard"), [(0, 3), (2, 0)])
def test_a_dataset_without_samples_gives_a_page(tmp_path: Path, shards: int, per_shard: int) -> None:
    make_dataset(tmp_path / "d", shards=shards, per_shard=per_shard, planned_shards=2)
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert "There are no samples to show." in found.words
    assert "There are no samples to measure." in found.words
    assert f"{shards} of 2 committed" in found.words
    assert bool(found.all("span", "open")) == (shards < 2)


def test_layers_of_an_unknown_kind_are_named(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    store.write("layers/gaze/new/layer.json", b"{}")
    assert "of kinds that this version does not know: gaze" in report(tmp_path / "d", tmp_path / "page.html").words


def test_a_layer_that_is_being_added_is_not_there_for_every_sample(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    (tmp_path / "d/layers/pose/test/000001.parquet").unlink()
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert found.words.count("not made yet (its shard of this layer is not committed)") == 3
    assert found.all("span", "open")


def test_why_a_layer_says_nothing(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3, unavailable={"depth": "no estimator of depth"})
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert "unavailable, 6 rows: no estimator of depth" in found.words
    assert found.words.count("unavailable (no estimator of depth)") == 6
    assert not found.all("img", "dense")


def test_tombstoned_samples_are_not_shown(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1, per_shard=3)
    gone = Dataset(str(tmp_path / "d")).images(0).column("uid")[1].as_py()
    store.write("tombstones/0.parquet", parquet_bytes(pa.table({"uid": [gone]})))
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert len(found.all("img", "drawn")) == 2
    assert gone not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "not forgotten" in found.words and "the dataset was told to forget it" in found.words


def test_a_picture_that_cannot_be_read_costs_its_card_only(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=3)
    row = Dataset(str(tmp_path / "d")).images(0).to_pylist()[1]
    with (tmp_path / "d/images/000000.tar").open("r+b") as file:
        file.seek(row["jpg_offset"])
        file.write(b"\0" * row["jpg_size"])
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert len(found.all("img", "drawn")) == 2
    assert found.words.count("the picture cannot be shown") == 1


def test_plain_pictures_give_way_to_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path / "d", shards=1)
    monkeypatch.setattr(page, "PLAIN_BUDGET", 1000)
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert found.all("img", "drawn") and not found.all("img", "plain") and not found.all("input")


def test_a_password_in_the_proxy_is_not_shown(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    recipe = store.read("recipe.yaml").replace(b"proxy: null", b"proxy: http://me:secret@proxy:3128")
    store.write("recipe.yaml", recipe)
    found = report(tmp_path / "d", tmp_path / "page.html")
    assert "http://***@proxy:3128" in found.words
    assert "secret" not in found.words


def test_what_there_is_besides_is_shown_only_where_there_is_any(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    assert "Also" not in report(tmp_path / "d", tmp_path / "page.html").words
    assert plan(Dataset(store.url), ["timeout"], FetchSettings(timeout_s=90))
    write_view(store, "best", [write_filter(store, "alike", iter(()), [0], {"command": "dedup"}, {})])
    (tmp_path / "hosts.txt").write_text("a.example\nb.example\n")
    lists = blocklists.obtain(store, BlockSettings(domains=(str(tmp_path / "hosts.txt"),)))
    blocklists.publish(store, lists, 4)
    words = report(tmp_path / "d", tmp_path / "page.html").words
    for text in ("Also", "Tried again", "timeout_s: 30.0 -> 90.0", "Views", "alike/000000", "Block-lists"):
        assert text in words
    assert "hosts.txtdomains2" in words


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=0, planned_shards=1)
    dataset = Dataset(str(tmp_path / "d"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "absent" / "page.html", tmp_path / "file" / "page.html", tmp_path):
        with pytest.raises(UserError) as error:
            write(dataset, out, 1)
        assert "\n" not in str(error.value) and str(out) in str(error.value)


def test_a_report_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    out = tmp_path / "page.html"
    out.write_text("earlier")
    (tmp_path / "d/ledger/000000.parquet").write_bytes(b"damaged")
    with pytest.raises(DatasetError):
        write(Dataset(str(tmp_path / "d")), out, 1)
    assert out.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "page.html"]
