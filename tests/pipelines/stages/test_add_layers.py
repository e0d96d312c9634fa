"""A picture on which workers die costs its row. A death is played by an error that nothing catches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from annotators import run
from annotators.base import Annotator, Card, Picture, Row, Unavailable
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.engine.attempts import Notes
from pipelines.stages import ahead
from pipelines.stages.add_layers import DIED, TRIES, Addition, AddLayers, Lacking
from pipelines.stages.base import Done
from tests.datasets import make_dataset
from tests.pipelines.layers import asked, rows, tables
from tests.pipelines.toy_annotators import Says, Tells


class Death(BaseException):
    """The process died."""


class Dies(Says):
    """Dies on certain pictures."""

    deadly: frozenset[str] = frozenset()

    def _row(self, picture: Picture) -> Row:
        if picture.uid in self.deadly:
            raise Death
        return super()._row(picture)


class Fragile(Annotator):
    """Dies where the caption says nothing."""

    card = Card("aesthetic", "fragile", 1, "for tests", "none", "none", "none", "none", needs=("caption",))
    looks = False

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        if any(row["status"] != "ok" for row in needs["caption"]):
            raise Death
        return [{"score": 1.0} for _ in pictures]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One shard with eleven samples, looked at in parts of three."""
    monkeypatch.setattr(run, "MOST_PICTURES", 3)
    make_dataset(tmp_path / "d", shards=1, per_shard=11)
    annotate(str(tmp_path / "d"), asked("caption", "Says", "good"), local=True)
    return tmp_path / "d"


@pytest.fixture(autouse=True)
def nobody_dies() -> Iterator[None]:
    yield
    Dies.deadly = frozenset()


def uids(folder: Path, *positions: int) -> frozenset[str]:
    found = Dataset(str(folder)).images(0)["uid"].to_pylist()
    return frozenset(found[position] for position in positions)


def through_deaths(folder: Path, *annotators: Annotator) -> tuple[Done, int]:
    """What comes of shard 0 in worker after worker, and how many died."""
    notes, deaths = Notes(), 0
    additions = {item.card.kind: Addition(f"{item.card.kind}/tried", item) for item in annotators}
    while True:
        stage = AddLayers(str(folder), additions, {}, notes)
        stage.setup(lambda **counts: None)
        try:
            return stage.process(Lacking(0, tuple(additions))), deaths
        except Death:
            deaths += 1
            assert deaths < TRIES


def assert_only_failed(folder: Path, deadly: frozenset[str]) -> None:
    (folder / "layers/caption/tried/layer.json").write_text("{}")
    good, found = rows(folder, "caption/good"), rows(folder, "caption/tried")
    assert {uid for uid in good if found[uid] != good[uid]} == deadly
    assert {(found[uid]["status"], found[uid]["reason"]) for uid in deadly} <= {("failed", DIED)}


@pytest.mark.parametrize(
    ("positions", "most"),
    [((), 0), ((0,), 4), ((4,), 4), ((10,), 4), ((3, 4), 6), ((3, 4, 5), 8), ((1, 10), 8), ((2, 3), 8)],
)
def test_pictures_on_which_workers_die_fail_alone(folder: Path, positions: tuple[int, ...], most: int) -> None:
    Dies.deadly = uids(folder, *positions)
    done, deaths = through_deaths(folder, Dies())
    assert deaths <= most
    assert done.layers == {
        "caption/tried": {"ok": 11 - len(positions)} | ({"failed": len(positions)} if positions else {})
    }
    assert_only_failed(folder, Dies.deadly)


def test_only_the_layer_whose_annotator_dies_lacks_the_row(folder: Path) -> None:
    Dies.deadly = uids(folder, 7)
    done, deaths = through_deaths(folder, Dies(), Tells())
    assert deaths == 4
    assert done.layers == {"caption/tried": {"ok": 10, "failed": 1}, "safety/tried": {"ok": 10, "unavailable": 1}}
    done, deaths = through_deaths(folder, Dies(), Fragile())
    assert deaths == 6
    assert done.layers == {"caption/tried": {"ok": 10, "failed": 1}, "aesthetic/tried": {"ok": 10, "failed": 1}}


def test_a_picture_on_which_decoding_dies_fails_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(str(folder))
    deadly = dataset.jpeg(0, dataset.images(0).to_pylist()[5])
    decode = ahead.decode_rgb

    def dying(jpeg: bytes) -> object:
        if jpeg == deadly:
            raise Death
        return decode(jpeg)

    monkeypatch.setattr("pipelines.stages.ahead.decode_rgb", dying)
    monkeypatch.setattr("annotators.base.decode_rgb", dying)
    done, deaths = through_deaths(folder, Says())
    assert deaths == 4 and done.layers == {"caption/tried": {"ok": 10, "failed": 1}}
    assert_only_failed(folder, uids(folder, 5))


def test_a_run_in_which_nobody_dies_notes_nothing_that_matters(folder: Path) -> None:
    done, deaths = through_deaths(folder, Says())
    assert (deaths, done.layers) == (0, {"caption/tried": {"ok": 11}})
    assert tables(folder, "caption/tried") == tables(folder, "caption/good")


def test_a_shard_whose_writing_ends_workers_is_given_up(folder: Path) -> None:
    notes = Notes()
    for _ in range(3):
        notes.begin((0, "write"))
    stage = AddLayers(str(folder), {"caption": Addition("caption/tried", Says())}, {}, notes)
    stage.setup(lambda **counts: None)
    with pytest.raises(UserError, match="died each time when its rows were written: give workers more memory"):
        stage.process(Lacking(0, ("caption",)))
