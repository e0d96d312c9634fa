"""Layers added on a real Ray: what it costs when workers die."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.annotate import Result, annotate
from pipelines.engine import on_ray
from pipelines.stages.add_layers import DIED
from tests.datasets import make_dataset
from tests.pipelines.layers import asked, rows, tables, uid_of

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'humanverse[ray]'")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def ray_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        started = on_ray.connect()
        yield
        if started:
            import ray

            ray.shutdown()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three shards with eleven samples each, and the layer ``caption/says`` made in one process."""
    folder = tmp_path_factory.mktemp("undisturbed") / "people"
    make_dataset(folder, shards=3, per_shard=11)
    annotate(str(folder), asked("caption", "Says"), local=True)
    return folder


def test_two_workers_write_what_one_process_writes(undisturbed: Path) -> None:
    result = annotate(str(undisturbed), asked("caption", "Says", "on-ray"), workers=2)
    assert (result.done, result.lost) == (3, {})
    assert tables(undisturbed, "caption/on-ray") == tables(undisturbed, "caption/says")


def test_a_picture_on_which_workers_die_costs_its_row(undisturbed: Path) -> None:
    bad = uid_of(undisturbed, 1, 5)
    result = annotate(str(undisturbed), asked("caption", "Kills", "killed", uid=bad), workers=1)
    assert (result.done, result.lost) == (3, {})
    assert result.rows == {"caption/killed": {"ok": 32, "failed": 1}}
    good, found = rows(undisturbed, "caption/says"), rows(undisturbed, "caption/killed")
    assert {uid for uid in good if found[uid] != good[uid]} == {bad}
    assert (found[bad]["status"], found[bad]["reason"]) == ("failed", DIED)
    assert verify(Dataset(str(undisturbed))).findings == ()


def _actors() -> list[int]:
    """Processes of the pool's workers on this machine."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = command.read_bytes()
            parent = int((command.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if text.startswith(b"ray::MapWorker") and _is_ours(parent):
            found.append(int(command.parent.name))
    return found


def _is_ours(number: int) -> bool:
    """Whether a process descends from this one: raylets of other runs have workers too."""
    while number > 1:
        if number == os.getpid():
            return True
        try:
            number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return False
    return False


def _annotate_while_workers_die(folder: Path, name: str, kills: int) -> tuple[Result, int]:
    """Annotate, and kill a worker at random moments; how many were killed."""
    moments, stop = random.Random(1), threading.Event()
    killed: list[int] = []

    def kill() -> None:
        while len(killed) < kills and not stop.wait(moments.uniform(0.3, 0.9)):
            for number in moments.sample(there, 1) if (there := _actors()) else ():
                os.kill(number, signal.SIGKILL)
                killed.append(number)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        return annotate(str(folder), asked("caption", "Says", name, seconds=0.1), workers=1), len(killed)
    finally:
        stop.set()
        thread.join()


def test_workers_killed_at_random_moments_change_nothing(undisturbed: Path) -> None:
    result, killed = _annotate_while_workers_die(undisturbed, "survived", 2)
    assert killed == 2
    assert (result.done, result.lost) == (3, {})
    assert tables(undisturbed, "caption/survived") == tables(undisturbed, "caption/says")


@pytest.mark.slow
def test_workers_killed_ten_times_change_nothing(undisturbed: Path) -> None:
    result, killed = _annotate_while_workers_die(undisturbed, "tough", 10)
    while result.lost:
        result, _ = _annotate_while_workers_die(undisturbed, "tough", 0)
    assert killed == 10
    assert tables(undisturbed, "caption/tough") == tables(undisturbed, "caption/says")
