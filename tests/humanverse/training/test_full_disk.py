"""A full disk is one line, and what was there stays."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from humanverse.errors import UserError
from humanverse.training import loop
from humanverse.training.checkpoints import RunFolder
from humanverse.training.full_disk import is_full, size_of
from tests.humanverse.training import tiny

FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    RuntimeError("basic_ios::clear: iostream error"),
    RuntimeError("[enforce fail at inline_container.cc:668] . unexpected pos 64 vs 0"),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_what_libraries_say_of_a_full_disk(error: Exception) -> None:
    assert is_full(error)
    assert not is_full(FileNotFoundError(errno.ENOENT, "No such file")) and not is_full(RuntimeError("mat1 and mat2"))


def test_the_last_checkpoint_stays_and_the_run_goes_on(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, saved = torch.save, 0

    def full(held: Any, path: Any) -> None:
        nonlocal saved
        saved += 1
        if saved == 2:
            raise FULL[2]
        save(held, path)

    with monkeypatch.context() as patch:
        patch.setattr(loop.torch, "save", full)
        with pytest.raises(UserError) as told:
            tiny.trained(people, tmp_path)
    line = str(told.value)
    assert line.startswith(f"the disk of {tmp_path} is full: a checkpoint takes about ") and "\n" not in line
    assert "the checkpoint of 4 samples stays: make room" in line
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["000000000004"]
    written = sum(path.stat().st_size for path in RunFolder(tmp_path).checkpoint(4).rglob("*"))
    said = float(line.partition("takes about ")[2].partition(" MB")[0])
    assert said == pytest.approx(written / 1e6, rel=0.2, abs=0.5)
    assert tiny.trained(people, tmp_path).samples == 12


def test_other_errors_are_not_blamed_on_the_disk(people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(held: Any, path: Any) -> None:
        raise RuntimeError("cannot pickle")

    monkeypatch.setattr(loop.torch, "save", broken)
    with pytest.raises(RuntimeError, match="cannot pickle"):
        tiny.trained(people, tmp_path)


def test_bytes_of_all_tensors_are_counted() -> None:
    held = {"a": [torch.zeros(3), {"b": torch.zeros(2, dtype=torch.float16)}], "c": 1, "d": torch.nn.Linear(2, 1)}
    assert size_of(held) == 12 + 4 + 12
