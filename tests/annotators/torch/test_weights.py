"""Tensors out of checkpoints: safetensors and plain pickles are read, code is not, and every name must fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from annotators.cache import WeightError
from annotators.torch.weights import load_strictly, state, tensors_of
from tests.annotators.torch.checkpoints import Settings, weights_of_a_layer


def test_what_each_format_holds(tmp_path: Path) -> None:
    weights = weights_of_a_layer()
    save_file(weights, tmp_path / "a.safetensors")
    torch.save(weights, tmp_path / "a.pth")
    torch.save({"epoch": 3, "state_dict": weights}, tmp_path / "a.ckpt")
    for file in tmp_path.iterdir():
        found = tensors_of(file)
        assert {name: value.tolist() for name, value in found.items()} == {
            name: value.tolist() for name, value in weights.items()
        }


def test_more_than_tensors_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    torch.save({"state_dict": weights_of_a_layer(), "args": Settings(3)}, tmp_path / "a.pth")
    with pytest.raises(WeightError, match=r"more than tensors.*humanverse models convert \S+a.pth OUT.safetensors"):
        tensors_of(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("data", [b"", b"no checkpoint at all" * 20])
def test_what_is_no_checkpoint_is_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightError, match=r"file that can be read|no checkpoint|is empty"):
        tensors_of(tmp_path / name)


def test_where_the_weights_are(tmp_path: Path) -> None:
    one, other = weights_of_a_layer(), {"weight": torch.zeros(1)}
    optimiser = {"state": {0: {"step": torch.zeros(1)}}, "param_groups": [{"lr": 1.0}]}
    assert state({"epoch": 1, "model": one, "optimizer": optimiser}, tmp_path) is not None
    assert state({"network": one, "optimizer": optimiser}, tmp_path).keys() == one.keys()
    assert state({"ema": {"module": other}, "model": one}, tmp_path).keys() == one.keys()
    assert state({"ema": {"module": other}, "model": one}, tmp_path, "ema.module").keys() == other.keys()
    with pytest.raises(WeightError, match=r"holds several: left, right"):
        state({"left": one, "right": other}, tmp_path)
    with pytest.raises(WeightError, match="holds no tensors by name"):
        state({"epoch": 1}, tmp_path)
    with pytest.raises(WeightError, match=r"no tensors under 'x': there are model"):
        state({"model": one}, tmp_path, "x")


def test_names_and_shapes_must_all_fit(tmp_path: Path) -> None:
    weights = weights_of_a_layer()
    layer = load_strictly(torch.nn.Linear(3, 2), weights, tmp_path)
    assert torch.equal(layer.weight, weights["weight"])
    for wrong, line in (
        ({"weight": weights["weight"]}, "lacks bias"),
        ({**weights, "scale": weights["bias"]}, "has scale, which the network has not"),
        ({**weights, "bias": torch.zeros(5)}, r"bias is \[5\] instead of \[2\]"),
        ({str(number): torch.zeros(1) for number in range(4)}, "lacks weight; lacks bias; has 0, .* and 3 more"),
    ):
        with pytest.raises(WeightError, match=f"is not of this network: {line}"):
            load_strictly(torch.nn.Linear(3, 2), wrong, tmp_path)
