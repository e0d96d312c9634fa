"""Where onnxruntime runs: what is asked for, what there is, and one line where they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from annotators.engines import onnx_device, onnx_session
from humanverse.errors import UserError
from tests.annotators.pose import tiny

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def test_on_a_machine_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    assert onnx_device("cpu") == onnx_device("auto") == "cpu"
    with pytest.raises(UserError, match=r"device cuda:1 is not here: onnxruntime .* use --device cpu"):
        onnx_device("cuda:1")


def test_where_cuda_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    assert [onnx_device(asked) for asked in ("cpu", "cuda", "cuda:1", "auto")] == ["cpu", "cuda:0", "cuda:1", "cuda:0"]


def test_a_session_that_falls_back_to_the_cpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As onnxruntime does where CUDA's libraries are missing."""
    path = tiny.simcc(tmp_path / "tiny.onnx")
    made = onnxruntime.InferenceSession

    def fallen_back(file: bytes, options: object, providers: list[object]) -> object:
        return made(file, options, providers=[CPU])

    monkeypatch.setattr(onnxruntime, "InferenceSession", fallen_back)
    with pytest.raises(UserError, match="device cuda:0 cannot be used by onnxruntime"):
        onnx_session(path, "cuda:0")


def test_threads_change_no_answer(tmp_path: Path) -> None:
    path = tiny.simcc(tmp_path / "tiny.onnx")
    batch = np.random.default_rng(0).normal(size=(2, 3, 64, 48)).astype(np.float32)
    one, two = (onnx_session(path, threads=threads).run(None, {"input": batch})[0] for threads in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_tensors_in_files_beside_the_model_are_not_read(tmp_path: Path) -> None:
    """The model's SHA-256 would not tell when they change."""
    import onnx

    whole, parted = tiny.simcc(tmp_path / "whole.onnx"), tmp_path / "parted.onnx"
    onnx.save_model(onnx.load(whole), parted, save_as_external_data=True, location="beside.bin", size_threshold=256)
    assert (tmp_path / "beside.bin").stat().st_size > 0
    onnxruntime.InferenceSession(str(parted), providers=[CPU])
    with pytest.raises(Exception, match=r"[Ee]xternal data"):
        onnx_session(parted)
    assert onnx_session(whole).get_inputs()
