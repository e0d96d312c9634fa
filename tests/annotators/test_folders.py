"""Digests of folders: what counts, and when files are hashed again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from annotators.folders import counted, digest


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_plain_tensors_count_before_pickles_and_what_describes_them_with_them(tmp_path: Path) -> None:
    write(tmp_path, config_json="{}", model_bin="pickle", README_md="about", merges_txt="a b")
    assert [str(path) for path in counted(tmp_path)] == ["config.json", "merges.txt", "model.bin"]
    write(tmp_path, unet__model_safetensors="x")
    write(tmp_path / ".cache", model_safetensors="y")
    assert [str(path) for path in counted(tmp_path)] == ["config.json", "merges.txt", "unet/model.safetensors"]


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    write(tmp_path / "model", config_json="{}")
    assert counted(tmp_path / "model") == []
    for path in (tmp_path / "model", tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError):
            digest(path, tmp_path / "notes")


def test_a_digest_is_of_names_and_bytes_and_not_of_the_place(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, config_json="{}", model_safetensors="x") for name in ("one", "other"))
    notes = tmp_path / "notes"
    assert digest(one, notes) == digest(other, notes) == digest(one, notes)
    (other / "config.json").rename(other / "settings.json")
    assert digest(one, notes) != digest(other, notes)
    assert digest(one / "model.safetensors", notes).sha256 == hashlib.sha256(b"x").hexdigest()


def test_what_was_changed_is_hashed_again(tmp_path: Path) -> None:
    folder, notes = write(tmp_path / "model", model_safetensors="one"), tmp_path / "notes"
    before = digest(folder, notes)
    write(folder, model_safetensors="two")
    os.utime(folder / "model.safetensors", ns=(1, 1))
    changed = digest(folder, notes)
    assert changed.sha256 != before.sha256 and changed.size == before.size == 3


def test_what_is_noted_is_not_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, notes = write(tmp_path / "model", model_safetensors="one"), tmp_path / "notes"
    before = digest(folder, notes)
    monkeypatch.setattr("annotators.folders.sha256_of", lambda path: pytest.fail(f"{path} is hashed again"))
    assert digest(folder, notes) == before
