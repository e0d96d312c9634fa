"""Temporary files of the living stay, those of the dead go."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from humanverse import scratch
from humanverse.scratch import OLD_S, Scratch, remove_abandoned
from humanverse.storage import TMP, Store

DIES = (
    "import os, sys, pathlib; from humanverse.scratch import Scratch; Scratch(pathlib.Path(sys.argv[1])); os._exit(9)"
)


def test_what_a_dead_writer_left_is_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, tmp_path / "tmp"], cwd=Path(__file__).parents[2])
    assert done.returncode == 9
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    remove_abandoned(tmp_path / "tmp")
    assert not (tmp_path / "tmp").exists()


def test_what_another_is_writing_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing("a/file") as path:
        path.write_bytes(b"half")
        Store(tmp_path).remove_temporary()
        path.write_bytes(b"whole")
    assert store.read("a/file") == b"whole"
    store.remove_temporary()
    assert not (tmp_path / TMP).exists()


def test_a_file_that_was_renamed_is_not_deleted(tmp_path: Path) -> None:
    made = Scratch(tmp_path)
    made.path.replace(tmp_path / "final")
    made.close()
    remove_abandoned(tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_without_locks_only_old_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(file: object, flags: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    young, old = Scratch(tmp_path), Scratch(tmp_path)
    then = old.path.stat().st_mtime - OLD_S - 60
    os.utime(old.path, (then, then))
    scratch.remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [young.path.name]
    young.close()
