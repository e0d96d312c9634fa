"""Ctrl-C and SIGTERM during a run: the step is ended and kept before the run is."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDING = "train: the run ends after this step and a checkpoint; Ctrl-C once more ends it at once"
_ONE_REQUEST_S = 1.0
"""Signals this close together are one request: a terminal and a launcher may both send theirs."""


class Stopped(KeyboardInterrupt):
    """The run was asked to end and has a checkpoint of all that it has learnt."""


class Stop:
    """Whether the run was asked to end.

    Args:
        say: is told that it was, and what a second request does.
        steps: whether steps are taken, of which the last can be ended; without, a request ends the run at once.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None, steps: bool = True) -> None:
        self._say, self._since, self._over = say, 0.0, False
        self.asked, self.steps = False, steps

    def ask(self, number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
        """Take in a request, as a handler of signals.

        Raises:
            KeyboardInterrupt: if it is the second, or no steps are taken.
        """
        now = time.monotonic()
        if self._over:
            return
        if not self.asked:
            self.asked, self._since = True, now
            if not self.steps:
                raise KeyboardInterrupt
            self._say(ENDING)
        elif now - self._since > _ONE_REQUEST_S:
            raise KeyboardInterrupt

    def close(self) -> None:
        """From now on nothing is asked, as what is left is tidied up; returns when signals that belong together have all come."""
        self._over = True
        if self.asked:
            time.sleep(max(0.0, self._since + _ONE_REQUEST_S - time.monotonic()))

    def agreed(self, accelerator: Any) -> bool:
        """Whether any of the processes was asked; all of them must ask this."""
        if accelerator.num_processes == 1:
            return self.asked
        import torch

        asked = torch.tensor(int(self.asked), device=accelerator.device)
        return bool(accelerator.reduce(asked, "sum"))


@contextmanager
def heard(say: Callable[[str], None] = lambda line: None, steps: bool = True) -> Iterator[Stop]:
    """Inside, both signals ask the ``Stop`` that is given; outside the main thread, where Python hears none, nothing does."""
    stop = Stop(say, steps)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
