"""What is written to the process's standard error inside the block does not arrive; what comes after does."""

from __future__ import annotations

import os

import pytest

from humanverse.hush import without_stderr


def test_native_chatter_is_dropped_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with without_stderr():
        os.write(2, b"chatter ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_an_error_inside_gives_standard_error_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="loud"), without_stderr():
        raise ValueError("loud")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
