"""One worker that fetches URLs and prepares the pictures, as a process of its own whose CPU time can be taken.

    python benchmarks/fetch_client.py URLS OUT.tar --way 512 [--profile FILE]

``URLS`` is a text file. Per URL: fetch, SHA-256, prepare, and one member of the tar. The ways are those of ``WAYS``.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

from humanverse.codec import Prepared, header_size, prepare
from humanverse.dataset import tar
from humanverse.fetch import fetch
from humanverse.memory import keep_freed
from schemas.recipe import FetchSettings, ImageSettings

Step = Callable[[bytes], bytes | None]
UID_DIGITS = 32


def preparing(settings: ImageSettings) -> Step:
    """The stored JPEG of a downloaded picture, None if it cannot be had."""

    def step(data: bytes) -> bytes | None:
        result = prepare(data, settings)
        return result.jpeg if isinstance(result, Prepared) else None

    return step


def as_downloaded(data: bytes) -> bytes | None:
    """The bytes as they came, if their header can be read."""
    return data if header_size(data) else None


WAYS: dict[str, Step] = {
    "512": preparing(ImageSettings(resize="keep_ratio_largest", size=512)),
    "1024": preparing(ImageSettings(resize="keep_ratio_largest", size=1024)),
    "keep": as_downloaded,
    "checked": preparing(ImageSettings()),
}
"""Longer side at most 512 or 1024 pixels; bytes as they are, header read; pixels as they are, metadata gone, decodable."""


def members(urls: Sequence[str], step: Step) -> Iterator[tuple[str, bytes]]:
    """Name and content of the tar's members, in the order of the downloads' ends."""
    for response in fetch(enumerate(urls), FetchSettings(), allow_private=True):
        if response.data is None:
            raise SystemExit(f"{urls[response.row]}: {response.failure}")
        uid = hashlib.sha256(response.data).hexdigest()[:UID_DIGITS]
        jpeg = step(response.data)
        if jpeg is None:
            raise SystemExit(f"{urls[response.row]}: not prepared")
        yield f"{uid}.jpg", jpeg


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description="Fetch URLs and prepare the pictures with one worker.")
    parser.add_argument("urls", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--profile", type=Path, help="write cProfile's statistics of the consumer's thread there")
    options: Any = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    keep_freed()
    profiler = cProfile.Profile()
    if options.profile:
        profiler.enable()
    with options.out.open("wb") as file:
        tar.write(file, members(options.urls.read_text().split(), WAYS[options.way]))
    if options.profile:
        profiler.disable()
        profiler.dump_stats(options.profile)


if __name__ == "__main__":
    main()
