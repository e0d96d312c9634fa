"""What a file of weights is by its beginning, told at once: without torch, and before hours of fetching."""

from __future__ import annotations

import zipfile
from pathlib import Path

from annotators.cache import WeightError
from annotators.folders import PICKLED

_LOOKED_AT = 512
_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html")
_PICKLE = b"\x80"
_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
"""Torch's number (``torch.serialization.MAGIC_NUMBER``), with which a checkpoint begins that is no zip archive, as every pickle
protocol writes it."""
_HEADER = 32
"""Bytes within which it ends; further on it may be of a tensor inside of another pickle."""


def check(path: Path) -> None:
    """Look at the beginning of a file, and of a zip archive at the names in it.

    Raises:
        WeightError: if it is empty, stands for a file that git-lfs has not fetched, is a web page, a TorchScript program, or a
            pickle that ``torch.save`` did not write.
    """
    try:
        with path.open("rb") as stream:
            begins = stream.read(_LOOKED_AT)
    except OSError as error:
        raise WeightError(f"{path} cannot be read: {error.strerror or error}") from error
    if not begins:
        raise WeightError(f"{path} is empty: fetch or copy it again")
    if begins.startswith(_POINTER):
        raise WeightError(f"{path} is a pointer of git-lfs, not the file itself: run git lfs pull in its folder")
    if begins.lstrip().lower().startswith(_PAGES):
        raise WeightError(f"{path} is a web page, not weights: download the file itself")
    if is_program(path):
        raise WeightError(f"{path} is a TorchScript program, not a checkpoint: it is code, and is not read")
    if path.suffix in PICKLED and begins.startswith(_PICKLE) and _MAGIC not in begins[:_HEADER]:
        raise WeightError(f"{path} is a pickle that torch.save did not write: save its tensors as .safetensors")


def is_pickled(path: Path) -> bool:
    """Whether a file begins as what ``torch.save`` writes: as a zip archive, or as a pickle."""
    with path.open("rb") as stream:
        return stream.read(2).startswith((_PICKLE, b"PK"))


def is_program(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except zipfile.BadZipFile:
        return False
    return any(name == "constants.pkl" or name.startswith("code/") for name in names)
