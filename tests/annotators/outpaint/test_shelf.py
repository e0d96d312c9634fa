"""Paintings are kept: so many bytes in memory, all of them in a folder, and a bad file is as none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from annotators.outpaint.shelf import Shelf
from humanverse.errors import UserError
from humanverse.storage import Store

MADE_BY = {"name": "test", "settings": {"steps": 4}}
UID = "0af7" * 8


def painting(seed: int = 0, width: int = 24, height: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def test_no_more_bytes_than_allowed_are_in_memory_and_the_oldest_go_first() -> None:
    shelf = Shelf(MADE_BY, None, most=3 * painting().nbytes)
    for index in range(3):
        shelf.put(str(index), painting(index))
    assert shelf.get("0", (24, 16)) is not None
    shelf.put("3", painting(3))
    found = {index: shelf.get(str(index), (24, 16)) for index in range(4)}
    assert found.pop(1) is None
    for index, kept in found.items():
        np.testing.assert_array_equal(kept, painting(index))
    shelf.put("0", painting(9))
    np.testing.assert_array_equal(shelf.get("0", (24, 16)), painting(9))


def test_another_process_finds_what_was_painted(tmp_path: Path) -> None:
    Shelf(MADE_BY, Store(tmp_path)).put(UID, painting())
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.name == f"{UID}.png" and path.parent.parent == tmp_path
    np.testing.assert_array_equal(cv2.imread(str(path))[:, :, ::-1], painting())
    found = Shelf(MADE_BY, Store(tmp_path)).get(UID, (24, 16))
    np.testing.assert_array_equal(found, painting())


def test_what_was_made_otherwise_is_not_found(tmp_path: Path) -> None:
    Shelf(MADE_BY, Store(tmp_path)).put(UID, painting())
    other = {"name": "test", "settings": {"steps": 5}}
    assert Shelf(other, Store(tmp_path)).get(UID, (24, 16)) is None
    assert Shelf(MADE_BY, Store(tmp_path)).get(UID, (16, 24)) is None


@pytest.mark.parametrize("damage", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_file_is_as_none(tmp_path: Path, damage: bytes) -> None:
    Shelf(MADE_BY, Store(tmp_path)).put(UID, painting())
    (path,) = tmp_path.rglob("*.png")
    path.write_bytes(damage)
    shelf = Shelf(MADE_BY, Store(tmp_path))
    assert shelf.get(UID, (24, 16)) is None
    shelf.put(UID, painting())
    assert cv2.imread(str(path)) is not None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    shelf = Shelf(MADE_BY, Store(tmp_path))
    (tmp_path / ".tmp").write_text("in the way")
    shelf.put(UID, painting())
    np.testing.assert_array_equal(shelf.get(UID, (24, 16)), painting())
    assert not list(tmp_path.rglob("*.png"))


def test_a_place_that_cannot_be_reached_is_told_at_once() -> None:
    class Gone:
        def read(self, path: str) -> bytes:
            raise UserError("s3://nowhere: cannot be reached")

        def write(self, path: str, data: bytes) -> None:
            raise UserError("s3://nowhere: cannot be reached")

    with pytest.raises(UserError, match="cannot be reached"):
        Shelf(MADE_BY, Gone())
