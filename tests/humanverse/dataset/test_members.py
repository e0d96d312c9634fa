"""Members by place: a place that is out of date is noticed, and looked up anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.dataset import layout, tar
from humanverse.dataset.generations import Generations, Gone, newest
from humanverse.dataset.members import Place, Tars
from humanverse.storage import Store

NAMES = [f"{digit * 32}.jpg" for digit in "abcd"]
DATA = {name: name.encode() * (index + 1) for index, name in enumerate(NAMES)}


def put(folder: Path, generation: int, names: list[str]) -> dict[str, Place]:
    """A generation of shard 0 with a tar of ``names``."""
    path = folder / layout.images_tar(0, generation)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        members = tar.write(file, ((name, DATA[name]) for name in names))
    ledger = folder / layout.ledger(0, generation)
    ledger.parent.mkdir(exist_ok=True)
    ledger.write_bytes(b"")
    return {member.name: Place(member.offset, member.size) for member in members}


def test_members_one_by_one_and_in_a_row(tmp_path: Path) -> None:
    places = put(tmp_path, 0, NAMES)
    tars = Tars(Store(tmp_path), Generations(Store(tmp_path)))
    for name in NAMES:
        assert tars.member(0, layout.images_tar, name, places[name], lambda generation: Place(0, 0)) == DATA[name]
    wanted = [places[NAMES[0]], None, places[NAMES[3]]]
    found = tars.members(0, layout.images_tar, [NAMES[0], NAMES[1], NAMES[3]], wanted, lambda generation: wanted)
    assert list(found) == [DATA[NAMES[0]], None, DATA[NAMES[3]]]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_rewritten_tar_is_read_by_its_new_places(tmp_path: Path, deleted: bool) -> None:
    old = put(tmp_path, 0, NAMES)
    generations = Generations(Store(tmp_path))
    assert generations.listed() == [0]
    tars = Tars(Store(tmp_path), generations)
    reading = tars.members(
        0, layout.images_tar, NAMES, [old[name] for name in NAMES], lambda generation: [new.get(name) for name in NAMES]
    )
    assert next(reading) == DATA[NAMES[0]]
    new = put(tmp_path, 1, [NAMES[0], NAMES[2], NAMES[3]])
    if deleted:
        (tmp_path / layout.images_tar(0)).unlink()
        (tmp_path / layout.ledger(0)).unlink()
    else:
        generations.listed()
    assert (
        tars.member(0, layout.images_tar, NAMES[3], old[NAMES[3]], lambda generation: new[NAMES[3]]) == DATA[NAMES[3]]
    )
    rest = list(reading)
    assert rest[1:] == [DATA[NAMES[2]], DATA[NAMES[3]]]
    assert rest[0] in (None, DATA[NAMES[1]])
    assert generations.of(0) == 1


def test_damage_is_told_and_does_not_loop(tmp_path: Path) -> None:
    places = put(tmp_path, 0, NAMES)
    store = Store(tmp_path)
    wrong = Place(places[NAMES[1]].offset, places[NAMES[0]].size)
    tars = Tars(store, Generations(store))
    with pytest.raises(Gone, match="is not where its table says"):
        tars.member(0, layout.images_tar, NAMES[0], wrong, lambda generation: wrong)
    with pytest.raises(Gone, match="it ends early"):
        tars.member(0, layout.images_tar, NAMES[0], Place(512, 10**6), lambda generation: Place(512, 10**6))
    with pytest.raises(Gone, match="is not where its table says"):
        list(tars.members(0, layout.images_tar, NAMES[:1], [wrong], lambda generation: [wrong]))
    (tmp_path / layout.images_tar(0)).unlink()
    for call in (
        lambda: tars.member(0, layout.images_tar, NAMES[0], places[NAMES[0]], lambda generation: places[NAMES[0]]),
        lambda: list(tars.members(0, layout.images_tar, NAMES[:1], [wrong], lambda generation: [wrong])),
    ):
        with pytest.raises(Gone, match="is missing"):
            call()


def test_the_highest_generation_counts() -> None:
    names = ["000000.parquet", "000001.g2.parquet", "000001.parquet", "000001.g10.parquet", "x.parquet", "000002.tar"]
    assert newest(names) == {0: 0, 1: 10}
    for name in ("000001.g0.parquet", "000001.g01.parquet", "1.parquet", "0000001.parquet", "000001.gx.tar"):
        assert layout.shard_file(name) is None
    assert layout.shard_file("1000000.g3.tar") == (1_000_000, 3, "tar")
