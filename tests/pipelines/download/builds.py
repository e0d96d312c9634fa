"""Builds through img2dataset in tests: a list with everything in it, and what must be equal to a build by our own engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.build import Result, build
from schemas.recipe import load
from tests.compare import contents
from tests.pipelines import web

COUNT = 26
SAID_OTHERWISE = ("detail", "http_status")
"""Columns of the ledger that depend on who downloads: the words of a failure, and the status of a success."""


@contextmanager
def serve_web(folder: Path) -> Iterator[Path]:
    """``folder/urls.parquet``: pictures, broken and missing ones, repeated URLs, and what is no URL to ask for."""
    with web.serve_web(folder, COUNT):
        rows = pq.read_table(folder / "urls.parquet").to_pylist()
        odd = [rows[0]["url"], rows[24]["url"], None, "", "ftp://a.example/x.jpg", "file:///etc/hostname", "no url"]
        base = rows[0]["url"].rpartition("/")[0]
        odd += [f"{base}/0.jpg?ü", f"{base}/0.jpg#part", "http://127.0.0.1:9/dead.jpg", "http://[::", rows[6]["url"]]
        rows[2:2] = [{"url": url, "caption": None, "similarity": None} for url in odd]
        rows += [{"url": url, "caption": "nothing to ask for", "similarity": 1.0} for url in ["x"] * 12]
        pq.write_table(pa.Table.from_pylist(rows), folder / "urls.parquet")
        yield folder


def run(place: Path, target: Path | str, fetch: dict[str, Any], **options: Any) -> Result:
    recipe = load(path=place / "recipe.yaml", overrides={"fetch": fetch})
    return build(
        [str(place / "urls.parquet")], str(target), recipe, **{"local": True, "allow_private": True, **options}
    )


def comparable(folder: Path) -> dict[str, object]:
    """A dataset but for its recipe and ``SAID_OTHERWISE``."""
    found = contents(folder)
    del found["recipe.yaml"]
    for path, content in found.items():
        if path.startswith("ledger/"):
            assert isinstance(content, list)
            found[path] = [{name: row[name] for name in row if name not in SAID_OTHERWISE} for row in content]
    return found
