"""The environment that img2dataset runs in: its pins contradict ours, so it has an interpreter of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from annotators.weights import cache_root
from humanverse.errors import UserError
from pipelines.progress import say

REQUIREMENTS = Path(__file__).with_name("requirements-img2dataset.txt")
VARIABLES = {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled"}
"""Of img2dataset's processes: nothing asks for news, or reports any."""

_OTHERWISE = "check the network and pip's index settings, or name an environment in fetch.img2dataset.python"
_VERSIONS = """
import json
from importlib import metadata
found = {}
for name in ("img2dataset", "ray"):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


def ray_version() -> str | None:
    """Of the Ray that this process runs; None if it has none."""
    try:
        return metadata.version("ray")
    except metadata.PackageNotFoundError:
        return None


def installed_python(ray: str | None) -> Path:
    """The interpreter of an environment in the cache folder that has what ``REQUIREMENTS`` pins; made on first use.

    Any number of processes may ask at once: one installs, the others wait.

    Args:
        ray: version of Ray that is there too, so that it can join a cluster of that version; None for none.

    Raises:
        UserError: if it cannot be installed.
    """
    wanted = "\n".join([REQUIREMENTS.read_text(encoding="utf-8"), f"ray=={ray}", sys.version])
    name = f"img2dataset-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    folder = cache_root() / "environments" / name
    ready, python = folder / "ready", folder / "bin" / "python"
    if ready.exists():
        return python
    if os.environ.get("HUMANVERSE_OFFLINE", "") not in ("", "0"):
        raise UserError(
            f"img2dataset is not installed in {cache_root()} and HUMANVERSE_OFFLINE forbids to: "
            "name an environment in fetch.img2dataset.python"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                _install(folder, python, ray)
                ready.touch()
    except OSError as error:
        why = f"{folder.parent}: {error.strerror or error}"
        raise UserError(
            f"img2dataset cannot be installed into {why}: set HUMANVERSE_CACHE to another folder"
        ) from error
    return python


def _install(folder: Path, python: Path, ray: str | None) -> None:
    say(f"installing img2dataset into {folder} (about 1 GB, once)")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "--requirement", str(REQUIREMENTS), *([f"ray=={ray}"] if ray else [])])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "no message")
        raise UserError(f"img2dataset could not be installed ({said[:200]}): {_OTHERWISE}")


def given_python(path: str, ray: str | None) -> Path:
    """The user's own interpreter, after a look at what it has.

    Args:
        ray: version of Ray that it must have; None if it need not.

    Raises:
        UserError: if it cannot be started, has no img2dataset, or not this version of Ray.
    """
    python = Path(path).expanduser().absolute()
    what = f"fetch.img2dataset.python: {path}"
    try:
        done = subprocess.run([str(python), "-c", _VERSIONS], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise UserError(f"{what}: {error.strerror or error}: give the path of a Python interpreter") from error
    try:
        found: Mapping[str, str | None] = json.loads(done.stdout)
    except ValueError as error:
        raise UserError(f"{what} is not a Python interpreter: give the path of one that has img2dataset") from error
    if found["img2dataset"] is None:
        raise UserError(f"{what} has no img2dataset: install it there, with the pins of {REQUIREMENTS}")
    if ray is not None and found["ray"] != ray:
        has = f"has Ray {found['ray']}" if found["ray"] else "has no Ray"
        raise UserError(f"{what} {has}, this build runs {ray}: install ray=={ray} there, or use --local")
    return python


def python_for(path: str | None, ray: str | None) -> Path:
    """The interpreter at ``path``, or that of the environment in the cache folder. Arguments and errors as above."""
    return given_python(path, ray) if path else installed_python(ray)
