"""The page on a port."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="Gradio is not installed")

from humanverse.errors import UserError
from humanverse.studio.serving import POLICY, QUIET, served
from humanverse.studio.work import Studio


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in a test is not seen by others."""
    for name in (*QUIET, "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


def test_every_answer_forbids_the_browser_to_load_from_elsewhere(studio: Studio, tmp_path: Path) -> None:
    with served(studio, "127.0.0.1", None, tmp_path / "sent") as address:
        assert address.startswith("http://127.0.0.1:")
        for path in ("", "config"):
            with urllib.request.urlopen(address + path, timeout=60) as answer:
                assert answer.headers["content-security-policy"] == POLICY
                assert "googleapis" not in answer.read().decode()
        secret = tmp_path / "secret.txt"
        secret.write_text("no")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}gradio_api/file={secret}", timeout=60)
        assert refused.value.code == 403
        refused.value.close()


def test_a_port_in_use_is_one_line(studio: Studio, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UserError, match=f"^the page cannot listen on 127.0.0.1:{port}: give another --port"),
            served(studio, "127.0.0.1", port, tmp_path / "sent"),
        ):
            pass
