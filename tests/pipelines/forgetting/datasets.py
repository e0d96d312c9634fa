"""Datasets to forget something in, and what is looked for in their files."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from tests.datasets import LAYERS, make_dataset


def uids(dataset: Dataset) -> list[str]:
    return [sample.uid for sample in dataset.samples(LAYERS)]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pieces(data: bytes, others: bytes, size: int = 24) -> list[bytes]:
    """Stretches of ``data`` that are not in ``others``."""
    found = [data[start : start + size] for start in range(0, len(data) - size, size)]
    return [piece for piece in found if piece not in others]


def written_otherwise(url: str) -> str:
    """The same URL for a browser."""
    return url.replace("https://pictures.example/", "HTTPS://Pictures.Example:443/") + "#top"


class Killed(BaseException):
    pass


def copies(folder: Path) -> None:
    """A dataset in which the rows 0, 1, 7 and 14 are alike to the eye of ``dedup``."""
    make_dataset(folder, shards=3, per_shard=4, columns={})
    random_bits = random.Random(3)
    for path in sorted(folder.glob("images/*.parquet")):
        table = pq.read_table(path)
        hashes = []
        for row in table.to_pylist():
            bits = np.zeros(64, bool)
            bits[random_bits.sample(range(64), 32)] = True
            hashes.append(int("".join("1" if bit else "0" for bit in bits), 2))
            if row["row"] in (0, 1, 7, 14):
                hashes[-1] = 0x5555555555555555 ^ {0: 0, 1: 3, 7: 12, 14: 48}[row["row"]]
        index = table.schema.get_field_index("phash")
        column = pa.array(hashes, table.schema.field(index).type)
        path.write_bytes(parquet_bytes(table.set_column(index, table.schema.field(index), column)))
