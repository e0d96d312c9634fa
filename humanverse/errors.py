"""Errors that a user can cause. Their text is one line: what is wrong, and what to do."""

from __future__ import annotations


class UserError(Exception):
    """Shown as one line, without a traceback; the command line ends with exit code 2."""


class DatasetError(UserError):
    """A dataset that is not there, not readable, or not what it says it is."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """``error`` as one line of at most ``limit`` characters, its class in front."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:limit] if text else type(error).__name__
