"""The formats that a dataset can be exported to, by name."""

from __future__ import annotations

from humanverse.errors import UserError
from humanverse.export.base import Exporter
from humanverse.export.coco import Coco
from humanverse.export.hf import HuggingFace
from humanverse.export.webdataset import WebDataset

FORMATS: dict[str, type[Exporter]] = {one.name: one for one in (WebDataset, Coco, HuggingFace)}


def exporter(name: str) -> type[Exporter]:
    """The format called ``name``.

    Raises:
        UserError: if there is none.
    """
    if name not in FORMATS:
        raise UserError(f"there is no format {name!r}: give --format {', '.join(FORMATS)}")
    return FORMATS[name]
