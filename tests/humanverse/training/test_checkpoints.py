"""A run's folder: what is in it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from humanverse.errors import UserError
from humanverse.training.checkpoints import RunFolder, read_state, write_state, written_at_once


def _saved(run: RunFolder, samples: int) -> None:
    with written_at_once(run.checkpoint(samples)) as folder:
        write_state(folder, {"samples": samples})


def test_what_is_not_finished_is_not_there(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    _saved(run, 4)
    with pytest.raises(ValueError, match="stopped"), written_at_once(run.checkpoint(8)) as folder:
        write_state(folder, {})
        raise ValueError("stopped")
    assert run.checkpoints() == [4]
    latest = run.latest()
    assert latest is not None and read_state(latest) == {"samples": 4}
    _saved(run, 8)
    assert run.checkpoints() == [4, 8]


def test_all_files_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    with written_at_once(tmp_path / "done") as folder:
        (folder / "unet").mkdir()
        save_file({"weight": torch.zeros(2)}, folder / "unet" / "of.safetensors")
        write_state(folder, {})
    usual = (tmp_path / "done" / "state.json").stat().st_mode
    assert usual & 0o400
    assert (tmp_path / "done" / "unet" / "of.safetensors").stat().st_mode == usual
    assert (tmp_path / "done" / "unet").stat().st_mode == (tmp_path / "done").stat().st_mode


def test_the_latest_stay(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    for samples in (4, 8, 12, 100):
        _saved(run, samples)
    with pytest.raises(ValueError, match="stopped"), written_at_once(run.checkpoint(200)):
        raise ValueError("stopped")
    run.prune(2)
    assert sorted(entry.name for entry in (run.path / "checkpoints").iterdir()) == ["000000000012", "000000000100"]


def test_settings_are_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.settings() is None
    run.write_settings({"seed": 1})
    assert RunFolder(tmp_path).settings() == {"seed": 1} and RunFolder(tmp_path).to_go_on_with() is None
    _saved(run, 4)
    assert RunFolder(tmp_path).to_go_on_with() == {"seed": 1}


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="holds something that is no run: give a new folder"):
        RunFolder(tmp_path)
    with pytest.raises(UserError, match=r"thesis\.txt: File exists: give a folder"):
        RunFolder(tmp_path / "thesis.txt")
