"""What is no weights by its first bytes is told without torch."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from annotators.cache import WeightError
from annotators.first_bytes import check
from annotators.torch.convert import convert
from annotators.torch.weights import tensors_of

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "is empty: fetch or copy it again"),
        (POINTER, "is a pointer of git-lfs, not the file itself: run git lfs pull in its folder"),
        (b"\n<!DOCTYPE html><html>", "is a web page, not weights"),
        (pickle.dumps({"a": 1}, 4), "is a pickle that torch.save did not write"),
        (pickle.dumps({"a": torch.ones(2)}, 4), "is a pickle that torch.save did not write"),
        (pickle.dumps({"a": 1}, 2), "is a pickle that torch.save did not write"),
    ],
)
def test_what_is_no_weights(tmp_path: Path, data: bytes, line: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(data)
    with pytest.raises(WeightError, match=f"^{path} {line}"):
        check(path)


def test_a_torchscript_program_is_told_in_one_line_and_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with zipfile.ZipFile(tmp_path / "ViT-L-14.pt", "w") as archive:
        archive.writestr("archive/code/__torch__.py", "")
    with pytest.raises(WeightError, match=r"is a TorchScript program, not a checkpoint: it is code, and is not read$"):
        tensors_of(tmp_path / "ViT-L-14.pt")
    assert not recwarn.list


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_torch_writes_passes_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, zipped: bool, protocol: int
) -> None:
    path = tmp_path / "a.pt"
    torch.save({"a": torch.ones(2)}, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    check(path)
    if protocol == 2:
        assert tensors_of(path)["a"].tolist() == [1, 1]
    else:
        with pytest.raises(WeightError, match=r"is a pickle of an unusual protocol.*humanverse models convert"):
            tensors_of(path)
        convert(path, tmp_path / "a.safetensors")
        assert tensors_of(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    assert not recwarn.list


def test_torch_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(POINTER)
    program = (
        "import sys\nfrom annotators.weights import standing_in\nfrom annotators.depth.omnidata import OmnidataDepth\n"
        f"try: standing_in(OmnidataDepth.card.weights, {str(tmp_path / 'a.pt')!r})\n"
        "except Exception as error: print(error, 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "run git lfs pull" in told and told.endswith("False\n")
