"""``humanverse studio`` as a user runs it, in a browser without a window."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.generation import marks
from pipelines import cli, pose_from_text
from pipelines import studio as job
from schemas.skeletons import WHOLEBODY_FLIP
from tests.datasets import make_dataset
from tests.humanverse.generation import conftest as models
from tests.humanverse.retrieval.toy import Words
from tests.humanverse.studio import browser
from tests.humanverse.studio.browser import Page

structure = models.structure

START = """
import sys
from pipelines import pose_from_text
from pipelines.cli import main
from tests.humanverse.retrieval.toy import Words

pose_from_text._EMBEDDERS = {"source": lambda *given: Words(), "caption": lambda *given: Words()}
sys.argv[0] = "humanverse"
main()
"""
"""The command, with a model of texts that needs no download."""
ADDRESS = "humanverse studio: "
SEEN = "document.querySelectorAll('#pictures img')"
MESSAGE = "document.querySelector('#message textarea').value"
PROMPT = "document.querySelector('#prompt textarea')"
STEPS = "document.querySelector('#steps input[type=number]')"
POINTS = "[...document.querySelectorAll('#canvas .handle')].map((one) => [one.cx.baseVal.value, one.cy.baseVal.value])"
CAPTIONS = "document.querySelector('#samples').innerText"
OFFERED = "document.querySelectorAll('#samples img')"
LEFT_WRIST = "document.querySelector('#canvas [data-slot=\"9\"]')"


@pytest.fixture
def address(structure: Path, tmp_path: Path) -> Iterator[str]:
    """Of the page, in a process of its own that is told to end as a service is."""
    people = make_dataset(tmp_path / "people", 1, 4).url
    words = ["--model", structure, "--data", people, "--device", "cpu", "--no-watermark"]
    cache, root = str(tmp_path / "cache"), str(Path(__file__).parents[2])
    environment = {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path), "HUMANVERSE_CACHE": cache, "PYTHONPATH": root}
    command = [sys.executable, "-c", START, "studio", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == f"loading {structure}\n"
            told = process.stderr.readline()
            assert told.startswith(ADDRESS), told + process.stderr.read()
            yield told.removeprefix(ADDRESS).split()[0]
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            assert process.wait(60) == 0 and "Traceback" not in rest and rest.endswith("stopped\n"), rest
            assert not list(tmp_path.glob("humanverse-studio-*"))
        finally:
            process.kill()


async def _pictures(page: Page) -> list[bytes]:
    """The files of the gallery."""
    found = await page.js(f"[...{SEEN}].map((one) => one.src)")
    async with aiohttp.ClientSession() as session:
        data = []
        for url in found:
            async with session.get(url) as answer:
                data.append(await answer.read())
    return data


async def _generated(page: Page, before: str = "") -> list[np.ndarray]:
    """Press the button, and wait for pictures that are not ``before``, the address of the first."""
    await page.click("document.querySelector('#generate')")
    await page.until(
        f"{SEEN}.length === 4 && {SEEN}[0].src !== '{before}' && {SEEN}[0].complete && {MESSAGE}.includes(' in ')"
    )
    return [np.asarray(Image.open(BytesIO(data))) for data in await _pictures(page)]


async def _mirrored_and_back(page: Page) -> None:
    """Mirror the standing figure, whose every point is a handle, and take that back."""
    before = np.array(await page.js(POINTS))
    await page.click("document.querySelector('#canvas [data-do=mirror]')")
    mirrored = before[list(WHOLEBODY_FLIP[: len(before)])]
    mirrored[:, 0] = before[:, 0].min() + before[:, 0].max() - mirrored[:, 0]
    np.testing.assert_allclose(await page.js(POINTS), mirrored, atol=0.02)
    await page.click("document.querySelector('#canvas [data-do=undo]')")
    np.testing.assert_allclose(await page.js(POINTS), before, atol=1e-3)


async def _use(address: str, folder: Path, upload: Path) -> None:
    async with browser.opened(address, folder) as page:
        await page.until(f"{OFFERED}.length === 4")
        await page.until(f"{LEFT_WRIST} !== null")
        await page.click("document.querySelector('#generate')")
        await page.until(f"{MESSAGE}.startsWith('there is no prompt')")

        await page.type(PROMPT, "a b c")
        await page.type(STEPS, "2")
        standing = await _generated(page)
        assert [picture.shape for picture in standing] == [(64, 64, 3), (64, 64, 3), (64, 64), (64, 64, 3)]
        assert await page.js(f"{SEEN}[1].naturalWidth") == 64
        rgb = (await _pictures(page))[1]
        (folder / "rgb.png").write_bytes(rgb)
        assert marks.look(folder / "rgb.png").source_type == marks.TRAINED

        first = await page.js(f"{SEEN}[0].src")
        x = await page.js(f"{LEFT_WRIST}.cx.baseVal.value")
        await page.drag(LEFT_WRIST, 60, -150)
        assert await page.js(f"{LEFT_WRIST}.cx.baseVal.value") > x + 5
        await _mirrored_and_back(page)
        waving = await _generated(page, first)
        assert not any(np.array_equal(*pair) for pair in zip(standing, waving, strict=True))

        assert await page.js(f"{CAPTIONS}.includes('alt text of row') && !{CAPTIONS}.includes('one person')")
        await page.click("document.querySelector('#find')")
        await page.until(f"{OFFERED}.length === 4 && {CAPTIONS}.includes('one person, row 3')")
        await page.click(f"{OFFERED}[1]")
        await page.until("document.querySelectorAll('#canvas g[data-person]').length === 2")
        assert await page.js(f"{PROMPT}.value") == "a b c"
        await page.click("document.querySelector('#canvas [data-do=remove]')")
        await page.until("document.querySelectorAll('#canvas g[data-person]').length === 1")
        await page.choose_file("input[type=file]", upload)
        await page.until("document.querySelectorAll('#canvas g[data-person]').length === 3")

        assert page.errors == []
        assert [url for url in page.asked if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.skipif(find_spec("gradio") is None, reason="Gradio is not installed")
@pytest.mark.skipif(browser.chromium() is None, reason="there is no Chromium on this machine")
def test_a_skeleton_is_dragged_and_pictures_follow(address: str, tmp_path: Path) -> None:
    (tmp_path / "browser").mkdir()
    upload = tmp_path / "three.json"
    person = [[10.0 * point, 7.0 * point, 1] for point in range(1, 18)]
    upload.write_text(json.dumps({"width": 200, "height": 200, "people": [person] * 3}))
    asyncio.run(_use(address, tmp_path / "browser", upload))


def test_skeletons_are_found_by_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pose_from_text, "_EMBEDDERS", {"source": lambda *given: Words()})
    people = make_dataset(tmp_path / "people", 1, 4).url
    search = job.Search(job.Source(people, "pose"))
    assert [len(search("alt text of row 3", asked, 0)) for asked in (3, 12)] == [3, 4]
    assert all(skeleton.caption for skeleton in search("alt text of row 3", 3, 0))
    with pytest.raises(UserError, match="1 wanted"):
        search("nine women", 12, 0)


def _line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> str:
    monkeypatch.setattr(sys, "argv", ["humanverse", "studio", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if not line.startswith("loading ")]
    assert (ended.value.code, out) == (2, "")
    return str(line)


@pytest.mark.skipif(find_spec("gradio") is None, reason="Gradio is not installed")
def test_what_is_wrong_is_one_line(
    structure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", structure, "--no-watermark"]
    assert "there is no such folder" in _line(monkeypatch, capsys, "--model", tmp_path / "none")
    assert "--data" not in (told := _line(monkeypatch, capsys, *given, "--data", tmp_path / "none")) and "none" in told
    assert "--port" in _line(monkeypatch, capsys, *given, "--port", "0")
    assert "--model" in _line(monkeypatch, capsys)


def test_without_gradio_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "find_spec", lambda name: None)
    told = _line(monkeypatch, capsys, "--model", tmp_path)
    assert told == "humanverse: the page needs gradio: pip install 'humanverse[studio]'"
