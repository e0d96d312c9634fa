"""One run, in processes that end with ours, whatever ends us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.download.run import run
from tests.pipelines.download import standin


@pytest.fixture
def python(tmp_path: Path) -> Path:
    lists, images = tmp_path / "lists", tmp_path / "images"
    lists.mkdir()
    images.mkdir()
    table = pa.table({"url": ["http://127.0.0.1:9/x"], "caption": ["c"], "row": [0]})
    pq.write_table(table, lists / "000000.parquet")
    return standin.make(tmp_path / "env")


def options(folder: Path) -> dict[str, object]:
    return {
        "url_list": str(folder / "lists"),
        "output_folder": str(folder / "images"),
        "timeout": 1.5,
        "listed": ["noai"],
    }


def tricks(folder: Path, **wanted: object) -> None:
    (folder / "env" / "tricks.json").write_text(json.dumps(wanted))


def test_options_arrive_as_they_are(python: Path, tmp_path: Path) -> None:
    assert run(python, options(tmp_path), None, tmp_path).code == 0
    assert json.loads((tmp_path / "env" / "calls.jsonl").read_text()) == options(tmp_path)
    assert (tmp_path / "images" / "00000_stats.json").exists()


def test_how_it_failed_is_told_and_logged(python: Path, tmp_path: Path) -> None:
    tricks(tmp_path, fail_at=0)
    ended = run(python, options(tmp_path), None, tmp_path)
    assert (ended.code, ended.said) == (1, "RuntimeError: no more today")
    (tmp_path / "env" / "tricks.json").unlink()
    assert run(python, options(tmp_path), None, tmp_path).said == "no message", "not that of the run before"
    assert "Traceback" in (tmp_path / "log.txt").read_text()


def sleepers(folder: Path) -> list[int]:
    """Processes that run the launcher over ``folder``."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = line.read_bytes()
        except OSError:
            continue
        if b"launch.py" in text and str(folder).encode() in text:
            found.append(int(line.parent.name))
    return found


def wait_for(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_when_we_do(python: Path, tmp_path: Path, sent: signal.Signals) -> None:
    tricks(tmp_path, sleep_at=0, seconds=600)
    code = "import json, signal, sys; from pathlib import Path; from pipelines.download.run import run\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "run(Path(sys.argv[1]), json.loads(sys.argv[2]), None, Path(sys.argv[3]))"
    words = [str(python), json.dumps(options(tmp_path)), str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL) as ours:
        wait_for((tmp_path / "images" / "00000.tar").exists)
        assert len([number for number in sleepers(tmp_path) if number != ours.pid]) == 1
        os.kill(ours.pid, sent)
        ours.wait()
    wait_for(lambda: not sleepers(tmp_path))
