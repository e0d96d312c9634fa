"""What ``verify`` finds, for tests."""

from __future__ import annotations

from pathlib import Path

import humanverse
from humanverse.dataset.verify import verify


def found(path: Path) -> list[tuple[str, str]]:
    """(level, path) of what is found; a message is one line, and does not say where the dataset is."""
    findings = verify(humanverse.open(str(path))).findings
    assert all("\n" not in finding.message and str(path) not in finding.message for finding in findings)
    return [(finding.level, finding.path) for finding in findings]


def messages(path: Path) -> str:
    return " | ".join(finding.message for finding in verify(humanverse.open(str(path))).findings)
