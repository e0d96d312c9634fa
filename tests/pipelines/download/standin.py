"""A small module that stands in for img2dataset in fast tests: it writes what img2dataset 1.47 writes, and can be told to fail.

The tests marked ``slow`` run the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

MODULE = '''
"""Writes what img2dataset writes for output_format webdataset and disable_all_reencoding."""

import io, json, os, signal, sys, tarfile, time, urllib.request
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = ("row", "caption", "url", "key", "status", "error_message", "width", "height", "original_width", "original_height")
MEASURED = dict.fromkeys(NAMES[-4:])


def _get(url, timeout):
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read(), None
    except Exception as error:
        return None, str(error)


def _add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _shard(place, path, images, timeout):
    said = []
    with tarfile.open(images / f"{place:05d}.tar", "w") as tar:
        for at, row in reversed(list(enumerate(pq.read_table(path).to_pylist()))):
            data, error = _get(row["url"], timeout)
            key = f"{place:05d}{at:04d}"
            said.append({**row, "key": key, "status": "failed_to_download" if error else "success",
                         "error_message": error, **MEASURED})
            if data is not None:
                _add(tar, f"{key}.jpg", data)
                _add(tar, f"{key}.txt", (row["caption"] or "").encode())
                _add(tar, f"{key}.json", json.dumps(said[-1]).encode())
    schema = pa.schema([pa.field(name, pa.int64() if name == "row" else pa.string()) for name in NAMES])
    pq.write_table(pa.Table.from_pylist(said, schema=schema), images / f"{place:05d}.parquet")
    (images / f"{place:05d}_stats.json").write_text("{}")


def download(url_list, output_folder, timeout, **options):
    here = Path(__file__).parent
    with (here / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({"url_list": url_list, "output_folder": output_folder, "timeout": timeout, **options}) + "\\n")
    tricks = json.loads((here / "tricks.json").read_text()) if (here / "tricks.json").exists() else {}
    for place, path in enumerate(sorted(Path(url_list).glob("*.parquet"))):
        if place == tricks.get("sleep_at"):
            (Path(output_folder) / f"{place:05d}.tar").write_bytes(b"half")
            time.sleep(tricks["seconds"])
        if place == tricks.get("fail_at"):
            raise RuntimeError("no more " + "today")
        if place not in tricks.get("skip", []):
            _shard(place, path, Path(output_folder), timeout)
'''


def make(folder: Path) -> Path:
    """An interpreter in ``folder`` that has the stand-in; ``folder/calls.jsonl`` gets the options of every call, and
    ``folder/tricks.json`` may say at which shard to fail or sleep, and which to leave out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "img2dataset.py").write_text(MODULE)
    about = folder / "img2dataset-1.47.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: img2dataset\nVersion: 1.47.0\n")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python
