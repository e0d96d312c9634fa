"""A run that is asked to stop keeps what it has learnt."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from humanverse.training import stopping
from humanverse.training.checkpoints import RunFolder
from humanverse.training.run import run
from humanverse.training.stopping import Stop, Stopped, heard
from humanverse.training.structure import StructureStage
from tests.humanverse.training import tiny


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_the_step_is_ended_and_kept_and_the_run_goes_on_to_the_same_bits(
    number: signal.Signals, people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, passes, said = StructureStage.learn, 0, list[str]()

    def signalled(self: Any, *given: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes == 3:
            signal.raise_signal(number)
        return learn(self, *given)

    settings, before = tiny.settings(checkpoint__every=100), signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(StructureStage, "learn", signalled)
        with pytest.raises(Stopped):
            run("structure", people, tmp_path / "stopped", settings, say=said.append)
    assert signal.getsignal(number) is before
    assert RunFolder(tmp_path / "stopped").checkpoints() == [8] and passes == 4
    assert "Ctrl-C once more" in said[0] and said[1].startswith("train: 8 of 12 samples are kept, in ")
    run("structure", people, tmp_path / "stopped", settings)
    run("structure", people, tmp_path / "straight", settings)
    tiny.assert_equal(*(RunFolder(tmp_path / name).checkpoint(12) for name in ("stopped", "straight")))


def test_the_second_request_ends_it_at_once_if_it_is_not_the_first_ones_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    stop = Stop()
    stop.ask()
    stop.ask()
    now[0] += 2
    with pytest.raises(KeyboardInterrupt):
        stop.ask()


def test_without_steps_the_first_request_ends_it_at_once_and_its_echo_disturbs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, slept = [10.0], list[float]()
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stopping.time, "sleep", slept.append)
    said: list[str] = []
    stop = Stop(said.append, steps=False)
    with pytest.raises(KeyboardInterrupt):
        stop.ask()
    stop.ask()
    now[0] += 0.25
    stop.close()
    assert stop.asked and not said and slept == [0.75]
    now[0] += 9
    stop.ask()


def test_no_signal_is_heard_in_another_thread() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def inside() -> None:
        with heard() as stop:
            found.append((signal.getsignal(signal.SIGINT) is before, stop.asked))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [(True, False)]
