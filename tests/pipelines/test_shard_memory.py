"""A worker's memory does not grow with the rows of its shard or with decoded pictures, only with the bytes that it keeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from humanverse.codec import encode_jpeg

FAILING, KEPT, TOO_SMALL = 3, 1, 6
"""Of every ten URLs."""
THROWN_AWAY = 200_000
"""Bytes of each picture that is fetched, decoded and not kept."""
ALLOWED_PER_ROW = 6_000
"""Bytes of memory for what the ledger says of a row, several times over, and for what the allocator keeps."""
RECIPE = """
source: {shard_size: 10000}
fetch: {retries: 0}
gate: {min_people: 0, max_people: null, min_area_ratio: null, placeholder_urls: null}
annotators: {pose: null, safety: null, text: null, caption: null, normal: null, depth: null}
"""
BUILD = """
import json, sys
from pathlib import Path
from pipelines.build import build
from schemas.recipe import load

source, dataset, recipe = sys.argv[1:]
result = build([source], dataset, load("lite", Path(recipe), {}), local=True, allow_private=True)
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"peak": peak, **result.counts}))
"""


def picture(number: int) -> bytes:
    random = np.random.default_rng(number)
    coarse = random.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return encode_jpeg(np.kron(coarse, np.ones((8, 8, 1), np.uint8)), 95)


def too_small(number: int) -> bytes:
    """48 pixels wide, and with comments as large as a picture of the web."""
    jpeg = encode_jpeg(np.full((32, 48, 3), number % 251, np.uint8), 90)
    text = f"{number} ".encode() * 8000
    comment = b"\xff\xfe" + (len(text[:60_000]) + 2).to_bytes(2, "big") + text[:60_000]
    return jpeg[:2] + comment * (THROWN_AWAY // len(comment) + 1) + jpeg[2:]


async def answer(request: web.Request) -> web.StreamResponse:
    number = int(request.match_info["number"])
    match number % 10:
        case 0:
            raise web.HTTPNotFound
        case 1:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        case 2:
            return web.Response(text="<html>this picture is gone</html>", content_type="text/html")
        case 3:
            return web.Response(body=picture(number), content_type="image/jpeg")
        case _:
            return web.Response(body=too_small(number), content_type="image/jpeg")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Where every number has an answer: a server in a thread of this process, which is not the one that is measured."""
    loop = asyncio.new_event_loop()
    application = web.Application()
    application.router.add_get("/{number}.jpg", answer)
    runner = web.AppRunner(application, access_log=None)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def built(base: str, folder: Path, rows: int) -> dict[str, int]:
    """Peak memory of a process that builds one shard of ``rows`` URLs, and what became of them."""
    folder.mkdir()
    (folder / "urls.txt").write_text("".join(f"{base}/{number}.jpg\n" for number in range(rows)))
    (folder / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-c", BUILD, folder / "urls.txt", folder / "dataset", folder / "recipe.yaml"]
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_ten_thousand_urls_take_no_more_than_what_is_kept(base: str, tmp_path: Path) -> None:
    small, large = (built(base, tmp_path / str(rows), rows) for rows in (1_000, 10_000))
    for found, rows in ((small, 1_000), (large, 10_000)):
        assert {name: found[name] * 10 / rows for name in ("failed", "kept", "rejected")} == {
            "failed": FAILING,
            "kept": KEPT,
            "rejected": TOO_SMALL,
        }
    grown, kept = large["peak"] - small["peak"], large["bytes"] - small["bytes"]
    thrown_away = (10_000 - 1_000) * TOO_SMALL // 10 * THROWN_AWAY
    assert grown < 3 * kept + 9_000 * ALLOWED_PER_ROW < thrown_away / 4
