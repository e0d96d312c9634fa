"""``humanverse train ... --ray N``: the processes that Ray starts train as those of any launcher, and are started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanverse.errors import UserError
from humanverse.training.checkpoints import RunFolder
from humanverse.training.stopping import Stop
from pipelines import train_on_ray
from tests.humanverse.training import conftest, tiny
from tests.pipelines import test_train

one_thread, people, config = conftest.one_thread, test_train.people, test_train.config


def _start(people: str, out: Path, config: Path, *changes: str) -> subprocess.Popen[str]:
    """The command with two workers, on this machine's own Ray, in a process group of its own."""
    given: Any = ("structure", people, out, config, *changes)
    command = [str(Path(sys.executable).with_name("humanverse")), *test_train.words(*given), "--ray", "2"]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_ADDRESS": ""}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def _below(of: subprocess.Popen[str], named: str) -> list[int]:
    """The processes below ``of`` whose command line has ``named``."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = (int(fields[1]), (entry / "cmdline").read_text())
        except (OSError, ValueError):
            continue

    def is_below(number: int) -> bool:
        return number == of.pid or (number in parents and is_below(parents[number][0]))

    return [number for number, (_, line) in parents.items() if named in line and number != of.pid and is_below(number)]


def _send_to_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """As ``timeout`` does: to the process, and to its group."""
    process.send_signal(number)
    os.killpg(process.pid, number)


def _gone(numbers: list[int]) -> bool:
    """Whether these processes are, or soon will be, no more."""
    for _ in range(200):
        if not any(Path(f"/proc/{number}/exe").exists() for number in numbers):
            return True
        time.sleep(0.05)
    return False


def _until_seen(out: Path, samples: int, process: subprocess.Popen[str]) -> None:
    while not any(line["samples"] >= samples for line in test_train.log_of(out)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_worker_is_started_again_and_no_bit_differs(people: str, config: Path, tmp_path: Path) -> None:
    """Begun by Ray, a worker killed; the end, and what goes on without Ray, are those of one process alone."""
    changes = ("samples=40", "checkpoint.every=8", "checkpoint.keep=99", "log.every=4")
    process = _start(people, tmp_path / "ray", config, *changes)
    _until_seen(tmp_path / "ray", 12, process)
    os.kill(_below(process, "RayTrainWorker")[0], signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["samples"] == 40
    told = err.splitlines()
    assert all(line.startswith("train structure: ") for line in told), err
    assert not [line for line in told if "loading models" in line and "loading models, in 2 processes" not in line]
    more: dict[str, Any] = {"checkpoint__every": 8, "checkpoint__keep": 99}
    tiny.trained(people, tmp_path / "alone", samples=48, **more)
    tiny.trained(people, tmp_path / "ray", samples=48, **more)
    for samples in (8, 16, 40, 48):
        tiny.assert_equal(*(RunFolder(tmp_path / name).checkpoint(samples) for name in ("ray", "alone")))
    assert not (tmp_path / "ray/.ray").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_all_its_steps_and_the_plain_command_goes_on(
    number: signal.Signals, people: str, config: Path, tmp_path: Path
) -> None:
    changes = ("checkpoint.every=4000", "checkpoint.keep=99", "log.every=4")
    tiny.trained(people, tmp_path, samples=8, checkpoint__keep=99)
    process = _start(people, tmp_path, config, *changes, "samples=4000")
    _until_seen(tmp_path, 16, process)
    of_ray = _below(process, "")
    _send_to_group(process, number)
    _, err = process.communicate()
    assert process.returncode == 130, err
    reached = RunFolder(tmp_path).checkpoints()
    assert reached[-1] >= 16 and reached[-1] == test_train.log_of(tmp_path)[-1]["samples"]
    asked, kept, *_, ended = [line for line in err.splitlines() if not line.startswith("train structure: ")]
    assert "Ctrl-C once more" in asked and kept.startswith(f"train: {reached[-1]} of 4000 samples are kept, in ")
    assert ended == "humanverse: stopped; run the same command again to go on"
    assert of_ray and _gone(of_ray)
    tiny.trained(people, tmp_path, samples=reached[-1] + 4, checkpoint__keep=99)
    assert RunFolder(tmp_path).checkpoints() == [*reached, reached[-1] + 4]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["gcs_server", "RayTrainWorker"])
def test_a_signal_before_the_first_step_ends_it_at_once_with_one_line(
    stage: str, people: str, config: Path, tmp_path: Path
) -> None:
    process = _start(people, tmp_path, config)
    while not _below(process, stage):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    of_ray = _below(process, "")
    _send_to_group(process, signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 130, err
    lines = [line for line in err.splitlines() if not line.startswith("train structure: ")]
    assert lines == ["humanverse: stopped; run the same command again to go on"]
    assert _gone(of_ray) and not {path.name for path in tmp_path.iterdir()} - {".lock", "samples.npz"}


@pytest.mark.slow
def test_what_a_worker_cannot_do_is_one_line(people: str, config: Path, tmp_path: Path) -> None:
    process = _start(people, tmp_path, config, "model.preset=paper")
    _, err = process.communicate()
    assert process.returncode == 2
    lines = [line for line in err.splitlines() if line.startswith("humanverse: ")]
    assert len(lines) == 1 and "no layer normal" in lines[0] and "Traceback" not in err


def test_workers_that_do_not_fit_are_told() -> None:
    assert train_on_ray.check_fit(2, {"CPU": 2.0}) is False
    assert train_on_ray.check_fit(2, {"CPU": 64.0, "GPU": 2.0}) is True
    with pytest.raises(UserError, match="--ray 3: each worker needs a CPU, and the cluster has 2: give fewer"):
        train_on_ray.check_fit(3, {"CPU": 2.0})
    with pytest.raises(UserError, match="--ray 3: each worker needs a GPU, and the cluster has 1: give fewer"):
        train_on_ray.check_fit(3, {"CPU": 64.0, "GPU": 1.0})


def test_a_worker_hears_that_the_run_is_to_end_when_it_tells_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    post, stop = train_on_ray.Post(), Stop()
    monkeypatch.setattr("ray.get", lambda answer: answer)
    handle = SimpleNamespace(tell=SimpleNamespace(remote=post.tell))
    tell = train_on_ray._Reporter(handle, stop)
    tell({"samples": 4, "loss": 1.0})
    assert not stop.asked
    post.ask()
    tell({"samples": 8, "loss": 1.0})
    assert stop.asked and post.state()["values"] == {"samples": 8, "loss": 1.0}


def test_three_starts_from_one_place_are_enough() -> None:
    assert not train_on_ray.is_stuck([0, 0, 0]) and not train_on_ray.is_stuck([0, 0, 0, 8])
    assert train_on_ray.is_stuck([0, 8, 8, 8, 8])


def test_a_worker_s_error_is_told_with_the_place_of_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any) -> None:
        raise KeyError("a fault of ours")

    post = _Post()
    monkeypatch.setattr("ray.get", lambda reference: reference)
    monkeypatch.setattr("ray.train.get_context", lambda: SimpleNamespace(get_world_rank=lambda: 1))
    monkeypatch.setattr("humanverse.training.run.run", fails)
    given = {"post": post, "out": str(tmp_path), "cwd": str(tmp_path / "none")}
    with pytest.raises(KeyError):
        train_on_ray.work({**given, "stage": "structure", "url": "", "settings": None})
    assert post.said == [f"KeyError: 'a fault of ours'; traceback: {tmp_path / 'ray-error.txt'}"]
    written = (tmp_path / "ray-error.txt").read_text()
    RunFolder(tmp_path)  # the next try may begin
    assert "in fails" in written and "KeyError: 'a fault of ours'" in written
    with pytest.raises(KeyError):
        train_on_ray.work({**given, "out": str(tmp_path / "gone"), "stage": "structure", "url": "", "settings": None})
    assert post.said[1:] == ["KeyError: 'a fault of ours'"]


class _Post:
    """What a worker tells its actor."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fail = SimpleNamespace(remote=self.said.append)
        self.say = SimpleNamespace(remote=self.said.append)


def test_an_address_without_a_number_is_told(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        test_train.call(monkeypatch, "structure", people, tmp_path, config, more=("--ray-address", "ray://head:1")) == 2
    )
    assert "--ray-address says where, not how many: give --ray N, too" in capsys.readouterr().err
