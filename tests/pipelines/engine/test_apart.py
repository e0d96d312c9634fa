"""A process that is started apart is out of reach of signals to our group."""

from __future__ import annotations

import os
import subprocess
import sys

from pipelines.engine.apart import started_apart

SESSION = [sys.executable, "-S", "-c", "import os; print(os.getsid(0) == os.getpid())"]


def _leads_a_session() -> bool:
    return subprocess.check_output(SESSION, preexec_fn=lambda: None, text=True).strip() == "True"


def test_it_has_a_session_of_its_own_and_the_next_one_has_ours() -> None:
    before = os.getsid(0)
    with started_apart():
        assert _leads_a_session() and _leads_a_session()
    assert not _leads_a_session() and os.getsid(0) == before
