"""Chromium without a window, driven by the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE_S = 60.0
"""Until something that a test waits for counts as not coming."""
MESSAGE_BYTES = 64 << 20


def chromium() -> str | None:
    """Its path; None if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A tab.

    Attributes:
        asked: URLs that it asked for.
        errors: what its scripts complained of.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.asked: list[str] = []
        self.errors: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says, until it ends."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            elif said["method"] == "Runtime.exceptionThrown":
                details = said["params"]["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description") or details["text"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(self._answers[number], PATIENCE_S)
        assert "error" not in said, (method, said)
        return dict(said["result"])

    async def js(self, expression: str) -> Any:
        """Its value, as JSON has it."""
        said = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, (expression, said["exceptionDetails"])
        return said["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until ``expression`` is true; its value."""
        ends = time.monotonic() + PATIENCE_S
        while not (value := await self.js(expression)):
            assert time.monotonic() < ends, (expression, self.errors, await self.js("document.body.innerText"))
            await asyncio.sleep(0.05)
        return value

    async def middle(self, element: str) -> tuple[float, float]:
        """Where an element is in the window, scrolled to."""
        found = await self.js(
            f"(() => {{ const one = {element}; one.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            "const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return found[0], found[1]

    async def mouse(self, kind: str, x: float, y: float, clicks: int = 1) -> None:
        pressed = {"button": "left", "clickCount": clicks, "buttons": 1}
        await self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **pressed)

    async def click(self, element: str) -> None:
        x, y = await self.middle(element)
        for kind in ("Moved", "Pressed", "Released"):
            await self.mouse(kind, x, y)

    async def drag(self, element: str, dx: float, dy: float) -> None:
        x, y = await self.middle(element)
        for kind, share in (("Moved", 0.0), ("Pressed", 0.0), ("Moved", 0.5), ("Moved", 1.0), ("Released", 1.0)):
            await self.mouse(kind, x + share * dx, y + share * dy)

    async def type(self, element: str, text: str) -> None:
        """In place of what is there."""
        await self.click(element)
        await self.js(f"{element}.select()")
        await self.call("Input.insertText", text=text)

    async def choose_file(self, selector: str, path: Path) -> None:
        """Give a file to an input."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    async def picture(self, path: Path) -> None:
        """A screenshot of the whole page as JPEG."""
        height = await self.js("document.documentElement.scrollHeight")
        width = await self.js("window.innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        said = await self.call(
            "Page.captureScreenshot", format="jpeg", quality=80, clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(said["data"]))


@contextlib.asynccontextmanager
async def opened(url: str, folder: Path, size: tuple[int, int] = (1360, 1000)) -> AsyncIterator[Page]:
    """A tab with ``url``, in a browser of its own.

    Args:
        folder: empty, for the browser's profile.
    """
    program = chromium()
    assert program is not None
    window = f"--window-size={size[0]},{size[1]}"
    command = [program, *FLAGS, window, f"--user-data-dir={folder}", "about:blank"]
    quiet = subprocess.DEVNULL
    browser = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        port = await _port(browser, folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=MESSAGE_BYTES) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Page", "Runtime", "Network"):
                    await page.call(f"{domain}.enable")
                await page.call("Page.navigate", url=url)
                yield page
                listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            _end(browser)


def _end(browser: subprocess.Popen[bytes]) -> None:
    """The browser and its children, which are a session of their own."""
    os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()


async def _port(browser: subprocess.Popen[bytes], file: Path) -> int:
    ends = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text().strip()):
        assert browser.poll() is None and time.monotonic() < ends, "chromium did not start"
        await asyncio.sleep(0.05)
    return int(file.read_text().split()[0])
