"""The report card as a page, and in the report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from humanverse.compare.card import card
from humanverse.compare.run import compare
from humanverse.dataset.reader import Dataset
from humanverse.report import card as pages
from humanverse.report import write as write_report
from schemas.layers import KINDS
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer, longer
from tests.humanverse.compare.test_truth import mark
from tests.humanverse.report.test_page import Page


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two shards of three with captions, and a truth of them."""
    make_dataset(tmp_path / "people")
    dataset = Dataset(str(tmp_path / "people"))
    add_layer(dataset, "caption/truth", "caption/test", longer)
    return dataset


def rows(html: str) -> list[str]:
    """The text of each row of the table of layers."""
    table = re.search(r'<table class="judged">.*?</table>', html, re.DOTALL)
    assert table
    plain = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>.*?</tr>", table[0], re.DOTALL)]
    return plain[1:]


def test_the_page_has_a_row_and_all_figures_of_each_layer(dataset: Dataset, tmp_path: Path) -> None:
    nothing = dict.fromkeys(field.name for field in KINDS["caption"].columns)

    def silent(row: int, said: dict[str, Any]) -> dict[str, Any]:
        return said if row else {**said, **nothing, "status": "failed", "reason": "<b>x"}

    add_layer(dataset, "caption/silent", "caption/test", silent)
    add_layer(dataset, "caption/none", "caption/test", longer, shards=[])
    found = card(dataset)
    pages.write(dataset, found, tmp_path / "card.html", "humanverse compare <people>")
    html = (tmp_path / "card.html").read_text(encoding="utf-8")
    alike = [item.text for row in found.rows for item in row.headlines]
    assert rows(html) == [
        f"caption/silent characters ↑ {alike[0]} words ↑ {alike[1]} – 5 1",
        f"caption/test characters ↑ {alike[2]} words ↑ {alike[3]} – 6 0",
    ]
    assert html.count("<details>") == 2 and html.count("<h3>Captions</h3>") == 2
    assert "<code>caption/none</code> was left out: no shard has both" in html
    assert "humanverse compare &lt;people&gt;" in html and "<script" not in html
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    Page(html)


def test_the_report_has_the_same_rows(dataset: Dataset, tmp_path: Path) -> None:
    write_report(dataset, tmp_path / "report.html", 2)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = compare(dataset, "caption", "test", "truth").findings.headlines
    assert rows(html) == [f"caption/test characters ↑ {found[0].text} words ↑ {found[1].text} – 6 0"]
    assert "so figures are rough" not in html


def test_the_report_compares_a_sample_and_says_so(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PICTURES", 2)
    write_report(dataset, tmp_path / "report.html", 2)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Of 2 of 6 pictures, evenly spread over at most 4 shards, so figures are rough." in html
    found = compare(dataset, "caption", "test", "truth", only={0: [1], 1: [1]}).findings.headlines
    assert rows(html) == [f"caption/test characters ↑ {found[0].text} words ↑ {found[1].text} – 2 0"]
    monkeypatch.setattr(pages, "SHARDS", 1)
    assert pages.sampled(dataset, {0: 3, 1: 3}, None).lines[0].pictures == 2
    assert pages.sampled(dataset, {0: 0, 1: 1}, None).lines[0].pictures == 1


def test_without_ground_truth_the_report_says_nothing_of_it(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    write_report(Dataset(str(tmp_path / "people")), tmp_path / "report.html", 2)
    assert "ground truth" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_why_nothing_could_be_judged(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("coco", "mine"):
        add_layer(dataset, f"person/{name}", "person/test", lambda row, said: said)
        mark(dataset, f"person/{name}")
    write_report(dataset, tmp_path / "report.html", 2)
    assert "choose one of coco, mine" in (tmp_path / "report.html").read_text(encoding="utf-8")
