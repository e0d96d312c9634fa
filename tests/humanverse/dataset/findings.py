"""What ``verify`` finds, for tests."""

from __future__ import annotations

from pathlib import Path

import humanverse
from humanverse.dataset.verify import verify


def found(path: Path) -> list[tuple[str, str]]:
    """(level, path) of what is found; a message is one line, and says where the dataset is in commands alone."""
    findings = verify(humanverse.open(str(path))).findings
    told = [
        finding.message.replace(f"humanverse annotate {path} ", "").replace(f"humanverse merge {path} ", "")
        for finding in findings
    ]
    assert all("\n" not in message and str(path) not in message for message in told)
    return [(finding.level, finding.path) for finding in findings]


def messages(path: Path) -> str:
    return " | ".join(finding.message for finding in verify(humanverse.open(str(path))).findings)
