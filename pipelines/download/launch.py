"""Runs img2dataset, started by its own interpreter. Imports nothing of ours: humanverse is not installed there.

    python launch.py JOB

``JOB`` is a JSON object: ``options`` of ``img2dataset.download``, the ``address`` of a Ray cluster to join (null for none), and
the ``variables`` of the environment of its workers. Standard input is a pipe that the caller holds open: when it ends, the caller
is dead, and this process ends with all that it started.
"""

import json
import os
import shlex
import signal
import sys
import threading
from typing import Any


def _end_with_caller() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _join(address: str, variables: dict[str, str]) -> None:
    """Join the cluster; its workers for us run this interpreter, which is at this path on every node."""
    import ray

    environment = {"py_executable": shlex.quote(sys.executable), "env_vars": variables}
    ray.init(address=address, runtime_env=environment)


def main(job: dict[str, Any]) -> None:
    threading.Thread(target=_end_with_caller, daemon=True).start()
    if job["address"]:
        _join(job["address"], job["variables"])
    from img2dataset import download

    download(**job["options"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
