"""The library: fetch, codec, sources, dataset, report.

``humanverse.open(path)`` reads a dataset; all else is imported from its own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from humanverse.dataset.reader import Dataset


def open(url: str) -> Dataset:
    """Open the dataset at ``url`` (a path or any fsspec URL) for reading.

    Raises:
        DatasetError: if there is none, or one of a format that this version does not read.
    """
    from humanverse.dataset.reader import Dataset

    return Dataset(url)
