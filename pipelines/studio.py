"""``studio``: the page on which pictures are made, until it is stopped."""

from __future__ import annotations

import ipaddress
import signal
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from humanverse.errors import UserError
from pipelines.progress import say

if TYPE_CHECKING:
    from humanverse.generation.generator import Generator
    from humanverse.generation.skeletons import Skeleton

LOCALHOST = "127.0.0.1"


@dataclass(frozen=True)
class Source:
    """Where skeletons to choose from are.

    Attributes:
        dataset: its path or URL.
        layer: of its skeletons.
        view: only samples that it has.
    """

    dataset: str
    layer: str
    view: str | None = None


def require_gradio() -> None:
    """Refuse to go on without Gradio.

    Raises:
        UserError: if it is not installed.
    """
    if find_spec("gradio") is None:
        raise UserError("the page needs gradio: pip install 'humanverse[studio]'")


def studio(
    generator: Generator, source: Source | None, out: Path | None, host: str = LOCALHOST, port: int | None = None
) -> None:
    """Serve the page until Ctrl-C, or SIGTERM.

    Args:
        generator: which makes the pictures.
        source: of skeletons to choose from.
        out: folder for the pictures; None: one that is deleted at the end.

    Raises:
        UserError: if the models cannot be loaded, or it cannot be served.
    """
    from humanverse.studio.samples import Samples
    from humanverse.studio.serving import served
    from humanverse.studio.work import Studio

    samples = Samples(source.dataset, source.layer, source.view) if source else None
    generator.load()
    with tempfile.TemporaryDirectory(prefix="humanverse-studio-", ignore_cleanup_errors=True) as scratch:
        folder = out or Path(scratch) / "pictures"
        work = Studio(generator, folder, samples, Search(source) if source else None)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with served(work, host, port, Path(scratch) / "sent") as address:
                _tell(address, host, out)
                threading.Event().wait()
        except KeyboardInterrupt:
            say("stopped")


class Search:
    """``humanverse.studio.work.Search`` in a dataset."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self, prompt: str, n: int, seed: int) -> Sequence[Skeleton]:
        from pipelines.pose_from_text import find_poses

        source = self._source
        return find_poses(source.dataset, [prompt], pose=source.layer, view=source.view, n=n, least=1, seed=seed)[0]


def _tell(address: str, host: str, out: Path | None) -> None:
    say(f"humanverse studio: {address} (Ctrl-C ends it)")
    say(f"pictures: {out}" if out else "pictures are deleted at the end: keep them with --out FOLDER")
    if not _is_local(host):
        say(f"whoever reaches {host} can use it, without a password")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
