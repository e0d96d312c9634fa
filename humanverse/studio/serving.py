"""The page on a port of this machine: it loads nothing from elsewhere, and tells nobody of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from humanverse.errors import UserError
from humanverse.studio.work import Studio

QUIET: Mapping[str, str] = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Environment in which Gradio is to be imported."""
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
    ]
)
"""Content-Security-Policy of every answer: a browser loads nothing from elsewhere, whatever the page asks for."""
PORTS = range(7860, 7960)
"""Where one is looked for if none is given."""


@contextmanager
def served(studio: Studio, host: str, port: int | None, scratch: Path) -> Iterator[str]:
    """The address at which the page is, as long as the context lasts. Sets the environment of this process.

    Args:
        host: to listen on.
        port: likewise; None: the first of ``PORTS`` that is free.
        scratch: for copies of what the browser is sent.

    Raises:
        UserError: if the port cannot be had.
    """
    os.environ.update(QUIET, GRADIO_TEMP_DIR=str(scratch))
    from starlette.middleware import Middleware

    from humanverse.studio.page import CSS, build, theme

    blocks = build(studio)
    try:
        _, address, _ = blocks.queue(max_size=32).launch(
            server_name=host,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            show_error=False,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            allowed_paths=[str(studio.folder.path.resolve())],
            theme=theme(),
            css=CSS,
            app_kwargs={"middleware": [Middleware(_Policy)]},
        )
    except OSError as error:
        where = f"{host}:{port}" if port else f"{host}, ports {PORTS.start} to {PORTS.stop - 1}"
        raise UserError(f"the page cannot listen on {where}: give another --port or --host") from error
    try:
        yield address
    finally:
        blocks.close(verbose=False)


class _Policy:
    """Adds ``POLICY`` to answers (ASGI).

    Args:
        app: whose answers.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self._app(scope, receive, answer if scope["type"] == "http" else send)
