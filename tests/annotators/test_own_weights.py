"""Weights of the user's own: told as such, by what they are and not by what they are named."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from annotators import registry
from annotators.caption.qwen_vl import QwenVl
from annotators.own_weights import digests, is_own, label, stated
from annotators.pose.simcc_onnx import DwPose
from annotators.safety.open_nsfw import MODEL, OpenNsfw
from annotators.weights import Weight, standing_in
from humanverse.errors import UserError

HUB = Weight("hf:own/tiny@main", "", 9)
FILE = Weight("hf:own/tiny@main:a.onnx", "", 9)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    yield


def written(path: Path, data: bytes = b"own") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("published", "used", "own"),
    [
        (HUB, Weight("hf:own/tiny@" + "3f" * 20, "a" * 64, 9), False),
        (HUB, Weight("hf:own/tiny@v2", "", 0), False),
        (HUB, Weight("hf:me/tiny@main", "", 0), True),
        (HUB, Weight("/models/tiny", "a" * 64, 9), True),
        (FILE, Weight("hf:own/tiny@main:b.onnx", "", 0), True),
        (FILE, Weight("hf:own/tiny@v2:a.onnx", "", 0), False),
        (MODEL, Weight("/models/any.onnx", MODEL.sha256, MODEL.size), False),
        (MODEL, Weight("/models/open_nsfw.onnx", "a" * 64, MODEL.size), True),
        (MODEL, MODEL, False),
    ],
)
def test_which_weights_are_the_users_own(published: Weight, used: Weight, own: bool) -> None:
    assert is_own(published, used) is own
    told = stated({published: used}, "MIT")
    assert ("own_weights" in told) is own
    assert told["licence"] == ("of the user's own weights: not known; the published ones: MIT" if own else "MIT")


def test_published_bytes_have_the_published_label_wherever_they_lie() -> None:
    assert digests({MODEL: Weight("/elsewhere/x.onnx", MODEL.sha256, 1)}) == {MODEL.spec: MODEL.sha256}
    pinned = Weight("hf:own/tiny@" + "3f" * 20, "a" * 64, 9)
    assert label(HUB, pinned) == pinned.spec


def test_a_layer_tells_that_its_weights_are_the_users_own_and_not_what_they_are_named(tmp_path: Path) -> None:
    cards = []
    for name in ("qwen", "renamed"):
        folder = tmp_path / name
        written(folder / "config.json", b'{"model_type": "qwen3_vl"}')
        written(folder / "preprocessor_config.json", b"{}")
        written(folder / "pytorch_model.bin", b"tensors")
        cards.append(QwenVl(weights=standing_in(QwenVl.card.weights, folder)).provenance({}))
    (published,) = QwenVl.card.weights
    role = f"instead of {published.label}"
    assert cards[0] == cards[1] and cards[0]["own_weights"] == [role] == list(cards[0]["weights"])
    assert cards[0]["licence"].startswith("of the user's own weights: not known; the published ones: Apache-2.0")
    written(tmp_path / "renamed" / "pytorch_model.bin", b"others!")
    other = QwenVl(weights=standing_in(QwenVl.card.weights, tmp_path / "renamed")).provenance({})
    assert other["fingerprint"] != cards[0]["fingerprint"] and other["weights"].keys() == cards[0]["weights"].keys()


def test_layers_of_published_weights_tell_nothing_new() -> None:
    card = OpenNsfw().provenance({})
    assert card["weights"] == {MODEL.spec: MODEL.sha256}
    assert "own_weights" not in card and card["licence"] == OpenNsfw.card.licence


def test_a_hubs_client_is_needed_only_for_what_comes_from_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find_spec

    def without_client(name: str, package: str | None = None) -> object:
        return None if name == "huggingface_hub" else real(name, package)

    monkeypatch.setattr("importlib.util.find_spec", without_client)
    own = DwPose(weights=standing_in(DwPose.card.weights, written(tmp_path / "mine.onnx")))
    registry.require_packages(own.card, own.weights)
    assert registry.missing_packages(DwPose.card) == ["huggingface_hub"]
    with pytest.raises(UserError, match=r"pose=dwpose needs huggingface_hub: pip install 'humanverse\[torch\]'"):
        registry.require_packages(DwPose.card, DwPose().weights)
    registry.require_packages(OpenNsfw.card)


def test_no_card_names_the_hubs_client_itself() -> None:
    assert [one.card.layer for one in registry.everything() if "huggingface_hub" in (one.card.packages or {})] == []
