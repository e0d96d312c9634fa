"""The registry: every entry is what it says, listing is light, mistakes are one line."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from annotators import registry
from annotators.base import SPEEDS, Annotator, Picture
from annotators.run import Runner
from humanverse.codec import encode_jpeg
from humanverse.errors import UserError
from schemas.layers import KINDS


@pytest.mark.parametrize(("kind", "name"), sorted(registry.ANNOTATORS))
def test_every_entry_is_what_it_says(kind: str, name: str) -> None:
    found = registry.get(kind, name)
    card = found.card
    assert issubclass(found, Annotator) and (card.kind, card.name) == (kind, name) and kind in KINDS
    assert all((card.summary, card.model, card.licence, card.protocol, card.output, card.version))
    assert all(need in KINDS and need != kind for need in card.needs)
    assert card.source and card.speed in SPEEDS and card.preset in ("lite", "paper", "modern", "")
    assert all(weight.size > 0 for weight in card.weights)
    known = [
        weight for weight in card.weights if weight.scheme != "hf" and not re.search("/[0-9a-f]{40}/", weight.spec)
    ]
    assert all(len(weight.sha256) == 64 for weight in known)
    if known == list(card.weights):
        assert len(found().provenance(dict.fromkeys(card.needs, "0"))["fingerprint"]) == 64


def test_cards_are_all_there_and_no_engine_is_imported() -> None:
    code = (
        "import sys; from annotators import registry; print(len(registry.cards()));"
        "print([m for m in ('onnxruntime', 'onnx', 'ai_edge_litert', 'torch', 'transformers', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [str(len(registry.ANNOTATORS)), "[]"]


def test_names_that_do_not_exist_are_answered_with_those_that_do() -> None:
    with pytest.raises(UserError, match=r"no annotator person=yolo: choose one of .*ssd-mobilenet-v2"):
        registry.get("person", "yolo")
    with pytest.raises(UserError, match=r"no annotators of kind 'hair': choose one of .*person"):
        registry.get("hair", "none")


def test_missing_packages_are_named_with_the_command_that_installs_them() -> None:
    card = replace(registry.get("quality", "pixels").card, packages={"cv2": "", "no_such_engine": "lite"})
    assert registry.missing_packages(card) == ["no_such_engine"]
    with pytest.raises(UserError, match=r"needs no_such_engine: pip install 'humanverse\[lite\]'"):
        registry.require_packages(card)
    registry.require_packages(replace(card, packages={"cv2": ""}))


@pytest.mark.parametrize("kind", ["depth", "normal"])
def test_what_cannot_be_estimated_is_a_row_with_its_reason(kind: str) -> None:
    picture = Picture("made", encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90))
    (answer,) = Runner(registry.get(kind, "none")()).table([picture], {}).to_pylist()
    assert answer["status"] == "unavailable" and "without a model hub" in answer["reason"]
    assert all(value is None for name, value in answer.items() if name not in ("uid", "status", "reason"))


def test_an_annotator_of_ones_own_is_named_by_module_and_class() -> None:
    assert registry.find("quality", "annotators.quality.pixels:Pixels") is registry.get("quality", "pixels")
    assert registry.find("quality", "pixels") is registry.get("quality", "pixels")
    for name, line in (
        ("annotators.quality.pixels:Nobody", "no annotator annotators.quality.pixels:Nobody"),
        ("annotators.quality.pixels:luma", "annotators.quality.pixels:luma is no annotator"),
        ("nowhere:Thing", "no annotator nowhere:Thing"),
        (":Thing", "no annotator :Thing"),
        ("annotators.absent:NoDepth", "annotators.absent:NoDepth is of kind depth, not quality"),
    ):
        with pytest.raises(UserError, match=f"^{line}"):
            registry.find("quality", name)


def test_a_module_that_cannot_be_imported_is_a_line_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.broken() == []
    monkeypatch.setitem(registry.ANNOTATORS, ("depth", "gone"), "annotators.depth.gone:Gone")
    monkeypatch.setitem(registry.OUTPAINTERS, "gone", "annotators.outpaint.edge:Gone")
    lines = registry.broken()
    assert [line.partition(": ")[0] for line in lines] == [
        "depth=gone cannot be imported",
        "outpaint=gone cannot be imported",
    ]
    assert "ModuleNotFoundError: No module named 'annotators.depth.gone'" in lines[0]
    assert len(registry.everything()) == len(registry.ANNOTATORS) + len(registry.OUTPAINTERS) - 2
    with pytest.raises(UserError, match=r"^depth=gone cannot be imported: "):
        registry.get("depth", "gone")
