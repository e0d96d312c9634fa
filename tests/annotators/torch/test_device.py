"""Devices: what is asked for, what is there, and one line about each."""

from __future__ import annotations

import pytest
import torch

from annotators.torch import device
from annotators.torch.device import found, gpus, precision, resolve
from humanverse.errors import UserError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", lambda: ["Card A, 16.0 GiB", "Card B, 80.0 GiB"])


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", list)


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_is_there() -> None:
    assert [resolve(asked) for asked in ("cpu", "auto", "cuda", "cuda:1")] == ["cpu", "cuda:0", "cuda:0", "cuda:1"]
    assert found("auto") == "device auto: cuda:0, Card A, 16.0 GiB"
    assert found("cuda:1") == "device cuda:1: cuda:1, Card B, 80.0 GiB"
    with pytest.raises(UserError, match=r"^device cuda:2 is not here: cuda:0 is Card A, 16.0 GiB; cuda:1 is Card B"):
        resolve("cuda:2")


@pytest.mark.usefixtures("no_gpu")
def test_none_is_there() -> None:
    assert (resolve("auto"), resolve("cpu")) == ("cpu", "cpu")
    assert (found("auto"), found("cpu")) == ("device auto: cpu, since no GPU was found", "device cpu: cpu")
    with pytest.raises(UserError, match=r"^device cuda is not here: torch .*; use --device cpu, or --device auto"):
        resolve("cuda")


def test_what_torch_finds_is_what_is_told() -> None:
    assert len(gpus()) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)


def test_precision_follows_from_what_was_asked_alone() -> None:
    assert precision("auto", "cpu", halves=True) == "float32"
    assert precision("auto", "cuda:0", halves=True) == "bfloat16"
    assert precision("auto", "cuda:0", halves=False) == "float32"
    assert precision("float16", "cuda", halves=False) == "float16"
