"""Two commands do not train into one folder, and none that died is in the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from humanverse.errors import UserError
from humanverse.training import lock
from humanverse.training.lock import only_one, refuse_held
from tests.humanverse.training import tiny

_HOLDER = """
import sys, time
from pathlib import Path
from humanverse.training.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WAIT_S", 0.0)


def test_a_folder_is_one_process_s_until_that_is_killed(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_held(tmp_path)
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        line = rf"--out {tmp_path}: process {holder.pid} of \S+ is training there: wait for its end, or give another folder"
        with pytest.raises(UserError, match=line):
            refuse_held(tmp_path)
        with pytest.raises(UserError, match=line):
            tiny.trained(people, tmp_path, samples=4)
        assert [path.name for path in tmp_path.iterdir()] == [lock.FILE]
        holder.send_signal(signal.SIGKILL)
    refuse_held(tmp_path)
    assert tiny.trained(people, tmp_path, samples=4).samples == 4


@pytest.mark.parametrize("said_after", [0.0, 600.0])
def test_one_that_is_about_to_end_is_waited_for(
    said_after: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "WAIT_S", 600.0)
    monkeypatch.setattr(lock, "TOLD_S", said_after)
    said: list[str] = []
    first, waits = only_one(tmp_path), 0
    first.__enter__()

    def ends(seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 2:
            first.__exit__(None, None, None)

    monkeypatch.setattr(lock.time, "sleep", ends)
    with only_one(tmp_path, said.append):
        assert waits == 2 and f"process {os.getpid()} of" in (tmp_path / lock.FILE).read_text()
        with pytest.raises(UserError, match="is training there"):
            refuse_held(tmp_path)
    holder = f"process {os.getpid()} of {socket.gethostname()}"
    line = f"--out {tmp_path}: {holder} is training there: waiting at most 600 s for its end"
    assert said == ([] if said_after else [line])
