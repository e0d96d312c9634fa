"""From the user's specification to a source: what is there, and of which kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from humanverse.errors import UserError
from humanverse.sources.base import Source
from humanverse.sources.img2dataset import Img2datasetSource, pictures_beside
from humanverse.sources.mapping import check_mapping
from humanverse.sources.parquet import ParquetSource
from humanverse.sources.pictures import FolderSource, is_image_name
from humanverse.sources.storage import Place, SourceFile, find
from humanverse.sources.tars import WebDatasetSource
from humanverse.sources.text import open_text, text_format_of
from schemas.recipe import SourceSettings

LOOKED_AT_FOLDERS = 20
"""Folders under each place that are looked into to guess the kind of a source."""

_READABLE = ".parquet, .csv, .tsv, .jsonl, .txt (these four also .gz, .zst, .bz2), .tar, or pictures"


@dataclass
class Found:
    """What lies at the places of a source, by what it can be read as."""

    parquet: list[SourceFile] = field(default_factory=list)
    text: list[SourceFile] = field(default_factory=list)
    tars: list[SourceFile] = field(default_factory=list)
    images: bool = False

    def add(self, file: SourceFile) -> None:
        name = file.name.lower()
        if name.endswith(".parquet"):
            self.parquet.append(file)
        elif name.endswith(".tar"):
            self.tars.append(file)
        elif is_image_name(name):
            self.images = True
        elif text_format_of(file):
            self.text.append(file)

    @property
    def captions_only(self) -> bool:
        """Whether all text files can be captions of pictures."""
        return all(file.name.lower().endswith(".txt") for file in self.text)


def _look(places: Sequence[Place], folders: int | None) -> Found:
    """The files at ``places``, at most those of the first ``folders`` folders of each."""
    found = Found()
    for place in places:
        for listed in islice(place.listings(), folders):
            for file in listed.files:
                found.add(file)
    return found


def _where(places: Sequence[Place]) -> str:
    return places[0].path + (f" and {len(places) - 1} more" if len(places) > 1 else "")


def _guess(places: Sequence[Place]) -> str:
    """The kind of the source at ``places``.

    Raises:
        UserError: if there is nothing readable, or several things between which only the user can choose.
    """
    found = _look(places, LOOKED_AT_FOLDERS)
    if found.parquet and pictures_beside(found.parquet[0]):
        return "img2dataset"
    tables = bool(found.parquet) or (bool(found.text) and not (found.images and found.captions_only))
    kinds = [kind for kind, there in (("table", tables), ("webdataset", found.tars), ("folder", found.images)) if there]
    if not kinds:
        raise UserError(f"source {_where(places)}: nothing there can be read: it takes {_READABLE}")
    if len(kinds) > 1:
        raise UserError(
            f"source {_where(places)}: it could be {' or '.join(kinds)}: say which in the recipe: source: {{kind: ...}}"
        )
    return kinds[0]


def _required(files: Iterable[SourceFile], places: Sequence[Place], kind: str, what: str) -> list[SourceFile]:
    listed = list(files)
    if not listed:
        raise UserError(f"source {_where(places)}: --from {kind} needs {what} there")
    return listed


def _open_table(places: Sequence[Place], settings: SourceSettings) -> Source:
    found = _look(places, None)
    text = [] if found.images and found.captions_only else found.text
    files = _required([*found.parquet, *text], places, "table", ".parquet, .csv, .tsv, .jsonl or .txt files")
    if found.parquet and text:
        raise UserError(
            f"source {_where(places)}: it mixes Parquet and text ({found.parquet[0].name}, {text[0].name}): "
            "build them as separate sources"
        )
    return ParquetSource(files, settings.columns) if found.parquet else open_text(files, settings)


def _open_folder(places: Sequence[Place], settings: SourceSettings) -> Source:
    return FolderSource(places)


def _open_webdataset(places: Sequence[Place], settings: SourceSettings) -> Source:
    return WebDatasetSource(_required(_look(places, None).tars, places, "webdataset", ".tar files"))


def _open_img2dataset(places: Sequence[Place], settings: SourceSettings) -> Source:
    files = _required(_look(places, None).parquet, places, "img2dataset", ".parquet files")
    pictures = pictures_beside(files[0])
    if pictures is None:
        raise UserError(f"source {files[0].url}: it has no img2dataset columns, or no pictures beside it")
    return Img2datasetSource(files, settings.columns, pictures)


_OPENERS: dict[str, Callable[[Sequence[Place], SourceSettings], Source]] = {
    "table": _open_table,
    "folder": _open_folder,
    "webdataset": _open_webdataset,
    "img2dataset": _open_img2dataset,
}


def open_source(
    spec: str | list[str], settings: SourceSettings, storage_options: dict[str, Any] | None = None
) -> Source:
    """The source that ``spec`` names.

    Args:
        spec: a file, a folder, a glob or an fsspec URL, or a list of such. Hidden names (``.``, ``_``) in folders and
            links to folders are passed over.
        settings: the recipe's.
        storage_options: for the fsspec filesystem; they travel with the shards, and stand in no identity.

    Raises:
        UserError: if nothing is there, it cannot be read, its kind is unclear, or its columns are, or a name in
            ``settings.columns`` is almost ours.
    """
    check_mapping(settings.columns)
    places = find([spec] if isinstance(spec, str) else spec, storage_options)
    kind = _guess(places) if settings.kind == "auto" else settings.kind
    return _OPENERS[kind](places, settings)
