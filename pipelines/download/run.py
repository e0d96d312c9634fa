"""One run of img2dataset, as processes that end with ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.download.environment import VARIABLES

LAUNCHER = Path(__file__).with_name("launch.py")
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_ADDRESS")
"""Variables that mean our own interpreter, or the job that we are."""
_TAIL = 16_384


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: 0 if it came to its end; this does not say that every shard is there.
        said: the last line of its output that speaks of an error, else the last one.
    """

    code: int
    said: str


def run(python: Path, options: Mapping[str, Any], address: str | None, folder: Path) -> Ended:
    """Run img2dataset and wait for its end; whatever ends this call early ends all its processes, ``kill -9`` of us too.

    Args:
        python: the interpreter of its environment.
        options: of its ``download``.
        address: of the Ray cluster to join; None for processes on this machine.
        folder: to run in; what it prints is appended to ``log.txt`` there.
    """
    log = folder / "log.txt"
    job = {"options": dict(options), "address": address, "variables": VARIABLES}
    variables = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    variables |= {**VARIABLES, "PYTHONSAFEPATH": "1"}
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            [str(python), str(LAUNCHER), json.dumps(job)],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = process.wait()
        finally:
            _end(process)
    return Ended(code, _last_words(log, start))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process's group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _last_words(log: Path, start: int) -> str:
    with log.open("rb") as stream:
        stream.seek(max(start, log.stat().st_size - _TAIL))
        lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "no message")[:300]
