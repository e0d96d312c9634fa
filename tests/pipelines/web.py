"""A small web of generated pictures for builds in tests, and the recipe that keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.codec import encode_jpeg
from tests.servers import serve_folder

SHARD_SIZE = 6
RECIPE = f"""
source: {{shard_size: {SHARD_SIZE}}}
gate: {{min_people: 0, max_people: null, min_area_ratio: null, min_side: 32}}
annotators: {{pose: null, safety: null, text: null, caption: null, depth: none, normal: null}}
fetch: {{retries: 0, timeout_s: 20}}
"""
"""Keeps pictures without people; person, quality and depth (unavailable) layers."""


def picture(number: int) -> bytes:
    """A JPEG of coloured noise, another one for each number; every fifth is too small to keep."""
    random = np.random.default_rng(number)
    side = 24 if number % 5 == 4 else 96 + number
    coarse = random.integers(0, 255, (side // 8, side // 8, 3), dtype=np.uint8)
    return encode_jpeg(np.kron(coarse, np.ones((8, 8, 1), np.uint8)), 90)


def make_web(folder: Path, base: str, count: int) -> Path:
    """``count`` URLs in ``folder/urls.parquet``: pictures (one in six repeated), broken ones, missing ones."""
    rows = []
    for number in range(count):
        name = f"{number}.jpg"
        if number % 7 == 3:
            (folder / name).write_bytes(picture(number)[:200])
        elif number % 11 != 5:
            (folder / name).write_bytes(picture(number - 1 if number % 6 == 1 else number))
        rows.append({"url": f"{base}/{name}", "caption": f"picture {number}", "similarity": number / 100})
    table = folder / "urls.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    return table


@contextmanager
def serve_web(folder: Path, count: int) -> Iterator[Path]:
    """``folder`` with ``make_web``'s pictures, being served, and the recipe."""
    with serve_folder(folder) as base:
        make_web(folder, base, count)
        write_recipe(folder)
        yield folder


def write_recipe(folder: Path) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE)
    return path
