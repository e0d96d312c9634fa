"""The gate on whole shards: what each row becomes, whatever the order in which its picture arrives."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from annotators import registry
from annotators.base import Annotator, Card, Picture, Row
from humanverse.codec import decode_rgb, encode_jpeg
from humanverse.codec.phash import phash
from humanverse.dataset.shard import Shard
from humanverse.fetch import Response
from humanverse.sources import ShardRows
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, table_schema
from pipelines.progress import Local
from pipelines.stages import gate as gate_module
from pipelines.stages.gate import GROUP, Gate, Groups
from schemas.ledger import Failure
from schemas.recipe import Recipe
from tests.datasets import picture
from tests.humanverse.codec.pictures import noise

BAD_WIDTH = 333
"""A picture of this width makes the estimator below raise."""


class OnePerson(Annotator):
    """Sees one person in every picture, and notes in which batches it was given them."""

    card = Card("person", "fake", 1, "for tests", "none", "none", "none", "none")
    batches: list[list[str]] = []

    @property
    def batch_size(self) -> int:
        return 16

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row]:
        self.batches.append([picture.uid for picture in pictures])
        if any(picture.rgb.shape[1] == BAD_WIDTH for picture in pictures):
            raise ArithmeticError("cannot look at this")
        box = [0.0, 0.0, 100.0, 100.0]
        return [{"boxes": [box], "scores": [0.9], "area_ratios": [0.5], "union_area_ratio": 0.5} for _ in pictures]


@dataclass(frozen=True)
class Given(ShardRows):
    """A shard of URLs, with pictures of its own for a source that is not remote."""

    urls: tuple[str | None, ...]
    data: tuple[bytes | None, ...] = ()

    def load(self) -> pa.Table:
        rows = range(self.start, self.stop)
        captions = [f"row {row}" for row in rows]
        return pa.table([list(rows), list(self.urls), captions], schema=table_schema([]))

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        for row in table.column("row").to_pylist():
            data = self.data[row - self.start]
            failure = None if data else Failure("source_missing", "gone")
            yield Payload(row, data, failure)


def rows(*urls: str | None, data: Sequence[bytes | None] = (), start: int = 1000) -> Given:
    return Given(2, start, start + len(urls), urls, tuple(data))


@pytest.fixture(autouse=True)
def estimator(monkeypatch: pytest.MonkeyPatch) -> type[OnePerson]:
    OnePerson.batches = []
    monkeypatch.setattr(registry, "get", lambda kind, name: OnePerson)
    return OnePerson


def judged(item: Given, remote: bool, **settings: Any) -> Shard:
    recipe = Recipe(annotators={"person": "fake"}, gate={"min_area_ratio": None, "min_side": 100, **settings})  # type: ignore[arg-type,dict-item]
    stage = Gate(recipe, remote, False, [])
    stage.setup(lambda **counts: None)
    return stage.process(item)


def read(*data: bytes | None, urls: Sequence[str | None] = (), **settings: Any) -> Shard:
    """A shard whose source holds ``data`` itself."""
    return judged(rows(*(urls or [f"{n}.jpg" for n in range(len(data))]), data=data), False, **settings)


def verdicts(shard: Shard) -> list[tuple[str, str | None, str | None]]:
    return [(row["status"], row["reason"], row["detail"]) for row in shard.ledger.to_pylist()]


def jpeg(seed: int, width: int = 160, height: int = 120) -> bytes:
    return encode_jpeg(picture(seed, width, height), 90)


@pytest.fixture(scope="module")
def web() -> dict[str, bytes]:
    """URL -> bytes: distinct and equal pictures, broken and small ones."""
    pages = {f"http://a/{number}": jpeg(number) for number in range(100)}
    for number in range(0, 100, 9):
        pages[f"http://a/{number}"] = pages["http://a/1"]
    for number in range(4, 100, 11):
        pages[f"http://a/{number}"] = b"no picture at all"
    for number in range(5, 100, 13):
        pages[f"http://a/{number}"] = jpeg(number, 60, 60)
    return pages


def answer_shuffled(monkeypatch: pytest.MonkeyPatch, web: Mapping[str, bytes], seed: int) -> None:
    def fetch(wanted: Iterable[tuple[int, str | None]], *settings: Any) -> Iterator[Response]:
        answers = list(wanted)
        random.Random(seed).shuffle(answers)
        for row, url in answers:
            data = web.get(url or "")
            failure = None if data else Failure("http_4xx", "404")
            yield Response(row, data, failure, http_status=200 if data else 404, attempts=1, ms=seed)

    monkeypatch.setattr(gate_module, "fetch", fetch)


def test_the_order_of_the_answers_changes_nothing(monkeypatch: pytest.MonkeyPatch, web: dict[str, bytes]) -> None:
    urls = [*web, "http://a/gone", None, "http://a/1", "http://a/2", *(f"{url}?2" for url in web)]
    web = web | {f"{url}?2": data for url, data in web.items()}
    results, batches = [], []
    for seed in range(4):
        OnePerson.batches.clear()
        answer_shuffled(monkeypatch, web, seed)
        results.append(judged(rows(*urls), True))
        batches.append(sorted(OnePerson.batches))
    assert results[0].images.num_rows > 50
    for other, seen in zip(results[1:], batches[1:], strict=True):
        assert other.images.equals(results[0].images)
        assert other.layers["person/fake"].equals(results[0].layers["person/fake"])
        assert other.ledger.drop_columns(["ms"]).equals(results[0].ledger.drop_columns(["ms"]))
        assert seen == batches[0], "an estimator saw other pictures together"


def test_of_equal_urls_the_first_row_is_fetched(monkeypatch: pytest.MonkeyPatch, web: dict[str, bytes]) -> None:
    answer_shuffled(monkeypatch, web, 0)
    shard = judged(rows("http://a/2", "http://a/3", "http://a/2", None, None), True)
    assert verdicts(shard)[2] == ("rejected", "duplicate", "same URL as row 1000")
    assert [verdict[1] for verdict in verdicts(shard)[3:]] == ["http_4xx", "http_4xx"]
    assert shard.ledger.column("attempts").to_pylist()[:3] == [1, 1, 0]


def test_of_equal_bytes_the_first_row_is_kept() -> None:
    shard = read(jpeg(1), jpeg(2), jpeg(1), jpeg(1))
    assert [verdict[0] for verdict in verdicts(shard)] == ["kept", "kept", "rejected", "rejected"]
    assert verdicts(shard)[2:] == [("rejected", "duplicate", "same bytes as row 1000")] * 2
    assert shard.ledger.column("uid")[0] == shard.ledger.column("uid")[2]


def test_a_rejected_picture_counts_as_the_first_and_a_broken_one_does_not() -> None:
    small, broken = jpeg(1, 60, 60), jpeg(2)[:300]
    assert [verdict[1] for verdict in verdicts(read(small, small, broken, broken))] == [
        "too_small",
        "duplicate",
        "corrupt",
        "corrupt",
    ]


def test_duplicates_stay_where_the_recipe_says_so() -> None:
    shard = read(jpeg(1), jpeg(1), urls=["a.jpg", "a.jpg"], drop_duplicates=False)
    assert [verdict[0] for verdict in verdicts(shard)] == ["kept", "kept"]


def test_a_picture_that_breaks_the_estimator_costs_itself_alone() -> None:
    shard = read(jpeg(1), jpeg(2, BAD_WIDTH, 200), jpeg(3))
    assert verdicts(shard) == [
        ("kept", None, None),
        ("rejected", "gate_error", "person: ArithmeticError: cannot look at this"),
        ("kept", None, None),
    ]
    assert shard.layers["person/fake"].column("uid").to_pylist() == shard.uids


def test_the_ledger_has_sizes_of_what_was_not_kept_too() -> None:
    flat = encode_jpeg(np.zeros((30, 40, 3), np.uint8), 90)
    shard = read(jpeg(1, 320, 240), flat, jpeg(2, 300, 200)[:700], b"text", None)
    sizes = list(zip(shard.ledger["width"].to_pylist(), shard.ledger["height"].to_pylist(), strict=True))
    assert sizes == [(320, 240), (40, 30), (300, 200), (None, None), (None, None)]
    assert [verdict[1] for verdict in verdicts(shard)] == [
        None,
        "too_small",
        "corrupt",
        "not_an_image",
        "source_missing",
    ]


def test_samples_are_in_row_order_with_their_captions() -> None:
    shard = read(jpeg(1), b"text", jpeg(2), None, jpeg(3))
    assert shard.images.column("row").to_pylist() == [1000, 1002, 1004]
    assert shard.images.column("caption").to_pylist() == ["row 1000", "row 1002", "row 1004"]


@pytest.mark.parametrize("data", [(), (None, b"text")])
def test_a_shard_without_a_sample_has_its_tables_all_the_same(data: tuple[bytes | None, ...]) -> None:
    shard = read(*data)
    assert (shard.ledger.num_rows, shard.images.num_rows) == (len(data), 0)
    assert shard.layers["person/fake"].schema == OnePerson().kind.schema


def test_a_group_is_complete_with_its_last_row() -> None:
    groups = Groups(GROUP + 2)
    order = random.Random(0).sample(range(GROUP), GROUP)
    assert [groups.complete(index) for index in order[:-1]] == [None] * (GROUP - 1)
    assert groups.complete(order[-1]) == range(GROUP)
    assert groups.complete(GROUP + 1) is None
    assert groups.complete(GROUP) == range(GROUP, GROUP + 2)


def test_every_picture_is_decoded_once_and_has_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def noting(data: bytes) -> np.ndarray:
        decoded.append(data)
        return decode_rgb(data)

    monkeypatch.setattr("annotators.base.decode_rgb", noting)
    shard = read(jpeg(1), jpeg(2), b"no picture", jpeg(3, 60, 60), jpeg(4))
    stored = shard.images.column("jpeg").to_pylist()
    assert decoded == stored
    assert shard.images.column("phash").to_pylist() == [phash(decode_rgb(data)) for data in stored]


def test_a_stored_picture_that_cannot_be_read_costs_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(data: bytes) -> np.ndarray:
        pixels = decode_rgb(data)
        if pixels.shape[1] == 171:
            raise ValueError("not a JPEG")
        return pixels

    monkeypatch.setattr("annotators.base.decode_rgb", failing)
    assert [verdict[:2] for verdict in verdicts(read(jpeg(1), jpeg(2, 171), jpeg(3)))] == [
        ("kept", None),
        ("rejected", "gate_error"),
        ("kept", None),
    ]


def test_near_duplicates_are_kept_unless_the_recipe_says_otherwise() -> None:
    scene = cv2.resize(noise(12, 10), (360, 300), interpolation=cv2.INTER_CUBIC)
    pictures = [encode_jpeg(scene, 95), encode_jpeg(scene, 60), encode_jpeg(cv2.flip(scene, 1), 95)]
    assert [verdict[0] for verdict in verdicts(read(*pictures))] == ["kept", "kept", "kept"]
    shard = read(*pictures, similar_distance=4)
    assert [verdict[:2] for verdict in verdicts(shard)] == [
        ("kept", None),
        ("rejected", "near_duplicate"),
        ("kept", None),
    ]
    assert shard.images.num_rows == shard.layers["person/fake"].num_rows == 2


@pytest.mark.parametrize("settings", [{}, {"placeholder_urls": 3}, {"drop_duplicates": False, "similar_distance": 4}])
def test_the_count_of_what_is_kept_ends_as_what_is_kept(settings: dict[str, Any]) -> None:
    equal = jpeg(1)
    item = rows(*(f"{n}.jpg" for n in range(GROUP + 6)), data=[equal, jpeg(2), equal, b"text", *[equal] * (GROUP + 2)])
    recipe = Recipe(annotators={"person": "fake"}, gate={"min_area_ratio": None, "min_side": 100, **settings})  # type: ignore[arg-type,dict-item]
    told = Local()
    stage = Gate(recipe, False, False, [])
    stage.setup(told)
    shard = stage.process(item)
    assert shard.images.num_rows < 5
    assert (told.counts()["rows"], told.counts()["kept"]) == (GROUP + 6, shard.images.num_rows)
