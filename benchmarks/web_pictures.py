"""Pictures as the web has them, made from a folder of photographs, and a server for them on the loopback network.

Pictures of 0.3, 0.8, 1.5 and 3 megapixels in equal numbers, in the usual proportions, are cut from the photographs at
random places, brightened or darkened, and encoded as JPEGs of quality 80 to 95, baseline, or the wanted share of them
progressive: no two are equal, and the same number always gives the same picture. A photograph is never enlarged to more
than twice its area where there are larger ones.

    python benchmarks/web_pictures.py --images DIR --folder CACHE --count N [--progressive 0.2] [--serve]

With ``--serve`` the last line is ``port N``, and each picture answers at ``http://127.0.1.<i>:<port>/<name>``, any i, until
standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

MEGAPIXELS = (0.3, 0.8, 1.5, 3.0)
PROPORTIONS = (4 / 3, 3 / 4, 3 / 2, 2 / 3, 1.0, 16 / 9)
QUALITIES = (80, 85, 90, 95)
ENLARGED_AREA = 2.0


class Photographs:
    """The photographs of a folder, by size."""

    def __init__(self, folder: Path) -> None:
        self._areas = {path: area for path in sorted(folder.iterdir()) if (area := _area(path))}
        if not self._areas:
            raise SystemExit(f"{folder}: no photographs there; give a folder of JPEG or PNG files as --images")

    def of_area(self, area: float) -> list[Path]:
        """Those that need not be enlarged by more than ``ENLARGED_AREA`` to have ``area`` pixels; else the largest."""
        enough = [path for path, own in self._areas.items() if own * ENLARGED_AREA >= area]
        return enough or [max(self._areas, key=lambda path: self._areas[path])]


def _area(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except OSError:
        return 0


@lru_cache(maxsize=200)
def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def picture(number: int, photographs: Photographs, progressive_share: float = 0.0) -> bytes:
    """The JPEG of a given number; its pixels do not depend on the share."""
    random = np.random.default_rng(number)
    area = 1e6 * MEGAPIXELS[number % len(MEGAPIXELS)]
    choice = photographs.of_area(area)
    source = _pixels(choice[int(random.integers(len(choice)))])
    width = round((area * random.choice(PROPORTIONS)) ** 0.5)
    height = round(area / width)
    shown = cv2.convertScaleAbs(
        _cut(source, width, height, random), alpha=random.uniform(0.85, 1.1), beta=random.uniform(-10, 10)
    )
    out = BytesIO()
    progressive = bool(random.random() < progressive_share)
    Image.fromarray(shown).save(out, "JPEG", quality=int(random.choice(QUALITIES)), progressive=progressive)
    return out.getvalue()


def _cut(source: np.ndarray, width: int, height: int, random: np.random.Generator) -> np.ndarray:
    """A part of ``source`` with the proportions of ``width`` by ``height``, resampled to these."""
    across, down = source.shape[1] / width, source.shape[0] / height
    scale = min(across, down) * random.uniform(0.8, 1)
    part_width, part_height = int(width * scale), int(height * scale)
    x, y = random.integers(source.shape[1] - part_width + 1), random.integers(source.shape[0] - part_height + 1)
    part = source[y : y + part_height, x : x + part_width]
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return cv2.resize(part, (width, height), interpolation=way)


def make(images: Path, folder: Path, count: int, progressive_share: float = 0.0) -> None:
    """Write the pictures 0 to ``count`` - 1 into ``folder``; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not (folder / name(number)).exists()]
    photographs = Photographs(images) if missing else None
    for number in missing:
        assert photographs is not None
        unfinished = folder / f"{number}.part"
        unfinished.write_bytes(picture(number, photographs, progressive_share))
        unfinished.rename(folder / name(number))


def name(number: int) -> str:
    """The file name of a picture."""
    return f"{number:06}.jpg"


async def serve(folder: Path) -> None:
    """Answer for the files of ``folder`` at a free port of all loopback addresses, until standard input ends."""
    from aiohttp import web

    application = web.Application()
    application.router.add_static("/", folder)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1" if os.name != "posix" else "0.0.0.0", 0, backlog=1024)
    await site.start()
    print(f"port {runner.addresses[0][1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description="Pictures as the web has them, made and served.")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--folder", type=Path, required=True, help="where the pictures are kept")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--progressive", type=float, default=0.0, help="share of progressive JPEGs")
    parser.add_argument("--serve", action="store_true")
    options: Any = parser.parse_args(arguments)
    make(options.images, options.folder, options.count, options.progressive)
    if options.serve:
        asyncio.run(serve(options.folder))


if __name__ == "__main__":
    main()
