"""Tars: the same bytes for the same members, true places, and readable by anybody."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import webdataset

from humanverse.dataset import tar

MEMBERS = [("0" * 32 + ".jpg", b"first"), ("f" * 32 + ".depth.png", b"x" * 700), ("a" * 32 + ".jpg", b"")]


def made(members: list[tuple[str, bytes]] = MEMBERS) -> tuple[bytes, list[tar.Member]]:
    file = io.BytesIO()
    places = tar.write(file, members)
    return file.getvalue(), places


def test_every_place_is_where_the_content_is() -> None:
    data, places = made()
    for (name, content), place in zip(MEMBERS, places, strict=True):
        assert place.name == name
        assert data[place.offset : place.offset + place.size] == content


def test_the_same_members_give_the_same_bytes() -> None:
    assert made()[0] == made()[0]
    assert len(made()[0]) % tarfile.RECORDSIZE == 0


def test_read_gives_back_what_was_written() -> None:
    data, places = made()
    assert list(tar.read_bytes(data)) == list(zip(places, (content for _, content in MEMBERS), strict=True))


def test_an_empty_tar_is_a_tar() -> None:
    assert list(tar.read_bytes(made([])[0])) == []


def test_tarfile_and_webdataset_read_it(tmp_path: Path) -> None:
    path = tmp_path / "000000.tar"
    path.write_bytes(made()[0])
    with tarfile.open(path) as archive:
        assert archive.getnames() == [name for name, _ in MEMBERS]
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False))
    assert samples[0]["jpg"] == b"first"
    assert samples[1]["depth.png"] == b"x" * 700


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs.jpg", "short.jpg", "0" * 32, "0" * 32 + "/a.jpg"])
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a member"):
        made([(name, b"")])


def test_links_are_refused_on_reading() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        link = tarfile.TarInfo("0" * 32 + ".jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(ValueError, match="not a member"):
        list(tar.read_bytes(file.getvalue()))


def test_a_cut_tar_is_an_error() -> None:
    with pytest.raises(tarfile.TarError):
        list(tar.read_bytes(made()[0][:700]))
