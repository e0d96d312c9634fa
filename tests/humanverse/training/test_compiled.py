"""Compiled networks: the same names on disk, the same bits after a stop, one line where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from humanverse.errors import UserError
from humanverse.training.checkpoints import RunFolder
from tests.humanverse.training import tiny


def test_a_run_goes_on_compiled_and_has_the_same_names(people: str, tmp_path: Path) -> None:
    """``eager`` traces the network and then calls what PyTorch would have called without it: not a bit may differ."""
    tiny.trained(people, tmp_path / "plain", samples=8)
    tiny.trained(people, tmp_path / "compiled", samples=4)
    told = {"validation__every": 4, "validation__samples": 1, "validation__steps": 1}
    tiny.trained(people, tmp_path / "compiled", samples=8, compile=True, compile_backend="eager", **told)
    tiny.assert_equal(*(RunFolder(tmp_path / name).checkpoint(8) for name in ("plain", "compiled")))


@pytest.mark.slow
def test_compiled_runs_have_the_same_bits_after_a_stop(people: str, tmp_path: Path) -> None:
    compiled = {"compile": True, "compile_backend": "aot_eager"}
    plain, straight, stopped = (tmp_path / name for name in ("plain", "straight", "stopped"))
    tiny.trained(people, plain)
    tiny.trained(people, straight, **compiled)
    tiny.trained(people, stopped, **compiled, samples=4)
    tiny.trained(people, stopped, **compiled)
    tiny.assert_equal(RunFolder(straight).checkpoint(12), RunFolder(stopped).checkpoint(12))
    first, second = (tiny.tensors(RunFolder(out).checkpoint(12)) for out in (plain, straight))
    assert first.keys() == second.keys()
    assert all(torch.allclose(value, second[name], atol=1e-2) for name, value in first.items())


def test_what_cannot_compile_is_one_line(people: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the network cannot be compiled with nothing: .*: set compile=false"):
        tiny.trained(people, tmp_path, compile=True, compile_backend="nothing", samples=4)
