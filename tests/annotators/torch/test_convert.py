"""Old checkpoints become safetensors; their code never runs."""

from __future__ import annotations

import argparse
import io
import pickle
import sys
import types
from collections import OrderedDict, defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from annotators.cache import WeightError
from annotators.torch.convert import convert
from tests.annotators.torch.checkpoints import Settings, attacks, weights_of_a_layer


def check_converted(source: Path, key: str | None = None) -> None:
    done = convert(source, source.with_suffix(".safetensors"), key)
    weights, found = weights_of_a_layer(), load_file(done.path)
    assert found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)
    assert (done.tensors, done.size) == (2, 32)
    assert done.path.stat().st_mode == source.stat().st_mode


@pytest.mark.parametrize("zipped", [True, False])
def test_what_programs_leave_beside_weights_is_left_out(tmp_path: Path, zipped: bool) -> None:
    beside = {
        "args": argparse.Namespace(lr=0.1, out=PurePosixPath("runs")),
        "best": np.float64(0.5),
        "history": np.arange(3),
        "numbers": defaultdict(list, a=[1]),
        "seen": {1, 2},
        "epoch": 3,
    }
    torch.save(
        {"state_dict": OrderedDict(weights_of_a_layer()), **beside},
        tmp_path / "a.ckpt",
        _use_new_zipfile_serialization=zipped,
    )
    check_converted(tmp_path / "a.ckpt")


def test_classes_of_training_libraries_stand_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("pytorch_lightning")

    class Callback(dict):
        def __init__(self) -> None:
            super().__init__(score=1.0)
            self.note = ["kept"]

    Callback.__module__, Callback.__qualname__ = module.__name__, "Callback"
    module.Callback = Callback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    torch.save({"state_dict": weights_of_a_layer(), "callbacks": {Callback: Callback()}}, tmp_path / "a.ckpt")
    monkeypatch.delitem(sys.modules, module.__name__)
    check_converted(tmp_path / "a.ckpt")


def test_parameters_and_a_key(tmp_path: Path) -> None:
    layer = torch.nn.Linear(3, 2)
    layer.load_state_dict(weights_of_a_layer())
    torch.save({"left": dict(layer.named_parameters()), "right": {"x": torch.zeros(1)}}, tmp_path / "a.pth")
    check_converted(tmp_path / "a.pth", "left")


def test_tensors_that_share_memory_are_written_each(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    torch.save({"whole": whole, "view": whole[2:4], "turned": whole.reshape(2, 3).T}, tmp_path / "a.pth")
    found = load_file(convert(tmp_path / "a.pth", tmp_path / "a.safetensors").path)
    assert found["view"].tolist() == [2, 3] and found["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", sorted(attacks("")))
def test_code_is_refused_and_not_run(tmp_path: Path, name: str, zipped: bool) -> None:
    trace = tmp_path / "trace"
    found = {"state_dict": weights_of_a_layer(), "extra": attacks(str(trace))[name]}
    torch.save(found, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightError, match=r"a.pth wants to run \S+, which no weights need: it is not read"):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth"]


def test_a_class_of_ones_own_is_refused_by_name(tmp_path: Path) -> None:
    torch.save({"state_dict": weights_of_a_layer(), "args": Settings(3)}, tmp_path / "a.pth")
    with pytest.raises(WeightError, match=r"wants to run tests.annotators.torch.checkpoints.Settings"):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")


def test_half_a_checkpoint_is_one_line(tmp_path: Path) -> None:
    torch.save(weights_of_a_layer(), tmp_path / "a.pth")
    data = (tmp_path / "a.pth").read_bytes()
    for half in (data[: len(data) // 2], b"\x80\x02ccollections\ndefaultdict\n}X\x01\x00\x00\x00aK\x01s\x86b."):
        (tmp_path / "a.pth").write_bytes(half)
        with pytest.raises(WeightError, match=r"is no checkpoint that can be read|torch.save did not write"):
            convert(tmp_path / "a.pth", tmp_path / "a.safetensors")


def test_a_bare_pickle_of_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(attacks(str(tmp_path / "trace"))["os.mkdir"]))
    with pytest.raises(WeightError):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert not (tmp_path / "trace").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), buffer)
    (tmp_path / "a.pt").write_bytes(buffer.getvalue())
    with pytest.raises(WeightError, match="is a TorchScript program"):
        convert(tmp_path / "a.pt", tmp_path / "a.safetensors")


def test_names_that_are_not_right(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"no checkpoint")
    with pytest.raises(WeightError, match=r"ends in .safetensors"):
        convert(tmp_path / "a.pth", tmp_path / "a.bin")
    with pytest.raises(WeightError, match="no checkpoint at"):
        convert(tmp_path / "b.pth", tmp_path / "a.safetensors")
    with pytest.raises(WeightError, match=r"is no checkpoint that can be read"):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")
    torch.save(weights_of_a_layer(), tmp_path / "a.pth")
    with pytest.raises(WeightError, match="cannot be written"):
        convert(tmp_path / "a.pth", tmp_path / "none" / "a.safetensors")
