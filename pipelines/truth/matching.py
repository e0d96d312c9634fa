"""Which annotated picture is which sample: by file name, or by a column of the source."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.truth.coco_json import CocoFile, CocoPicture

NAME = "file name"
"""How samples are matched if no column is given."""


def last_part(url: str) -> str:
    """The file name in a URL or path, a tar member's after ``#``: ``http://a/b%20c.jpg?s=1`` is ``b c.jpg``."""
    archive, _, member = url.rpartition("#")
    if urlsplit(archive).path.lower().endswith(".tar"):
        url = member
    elif "://" in url:
        url = unquote(urlsplit(url).path)
    return posixpath.basename(url.rstrip("/"))


def _names(picture: CocoPicture) -> set[str]:
    return {last_part(picture.name)}


def _identities(picture: CocoPicture) -> set[str]:
    name = last_part(picture.name)
    return {name, posixpath.splitext(name)[0], str(picture.id)}


class Matching:
    """Finds the annotated picture of a sample.

    Args:
        file: the annotations.
        column: of the images table; None for file names in ``url``. A column matches a picture's id, its file name, or that
            without its ending.

    Attributes:
        ambiguous: names that several pictures of the file have, or samples with different uids; they match nothing.
        file: the annotations.
    """

    def __init__(self, file: CocoFile, column: str | None) -> None:
        self.file = file
        self.column = column or "url"
        self._by_name = column is None
        self._of: Callable[[str], str] = last_part if column is None else str
        names = _names if column is None else _identities
        self._pictures: dict[str, CocoPicture] = {}
        self.ambiguous: set[str] = set()
        for picture in file.pictures:
            for name in names(picture):
                if self._pictures.setdefault(name, picture) is not picture:
                    self.ambiguous.add(name)

    def look_at(self, dataset: Dataset, shards: Iterable[int]) -> None:
        """Find names that samples with different uids have.

        Raises:
            UserError: if the dataset has no such column, or none of its samples is in the file.
        """
        uids: dict[str, str] = {}
        other: str | None = None
        for shard in shards:
            table = dataset.images(shard)
            for uid, name in zip(table.column("uid").to_pylist(), self.keys(table), strict=True):
                if name not in self._pictures:
                    other = other or name
                elif uids.setdefault(name, uid) != uid:
                    self.ambiguous.add(name)
        if other and not uids:
            raise UserError(self._nothing_matches(other))

    def _nothing_matches(self, sample: str) -> str:
        """One line, with the name of a sample that is not in the file."""
        how = "file name in url" if self._by_name else f"column {self.column}"
        pictures = f"{self.file.pictures[0].name}, id {self.file.pictures[0].id}" if self.file.pictures else "none"
        return (
            f"no sample is in {self.file.path}: looked for by {how}, such as {sample}; its pictures are such as {pictures}; "
            "--match COLUMN names another column of the samples"
        )

    def keys(self, images: pa.Table) -> list[str | None]:
        """What each row of an images table is matched by; None where it has nothing."""
        if self.column not in images.column_names:
            raise UserError(
                f"--match {self.column}: the samples have no such column, only {', '.join(images.column_names)}"
            )
        values = images.column(self.column).to_pylist()
        return [None if value is None else self._of(str(value)) for value in values]

    def picture(self, key: str | None) -> CocoPicture | None:
        """The annotated picture of a sample with this key; None if there is none, or more than one."""
        return None if key is None or key in self.ambiguous else self._pictures.get(key)
