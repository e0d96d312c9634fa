"""``sharding=fsdp``: two processes share the weights, and what they write is what one process would have written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from humanverse.models.pipelines.refiner import RefinerPipeline
from humanverse.models.pipelines.structural import StructuralPipeline
from humanverse.training.checkpoints import RunFolder
from tests.humanverse.training import conftest, test_refiner, tiny
from tests.pipelines import test_train
from tests.servers import free_port

one_thread, precisions = conftest.one_thread, conftest.precisions
people, config = test_train.people, test_train.config
SHARED = ("sharding=fsdp", "validation.every=4", "validation.samples=1", "validation.steps=1", "checkpoint.keep=9")
CLOSE = 1e-3
"""By which weights of some 0.1 may differ: sums over processes are rounded otherwise."""


def _in_two(stage: str, people: str, out: Path, config: Path, *changes: str) -> None:
    launched = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "ACCELERATE_USE_CPU": "1",
    }
    given = (stage, people, out, config, *SHARED, *changes)
    both = [test_train.start(*given, RANK=rank, LOCAL_RANK=rank, **launched) for rank in "01"]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said


def _assert_close(one: Path, other: Path) -> None:
    first, second = tiny.tensors(one), tiny.tensors(other)
    assert first.keys() == second.keys() and len(first) > 100
    assert all(torch.allclose(value, second[name], atol=CLOSE) for name, value in first.items())


@pytest.mark.slow
def test_checkpoints_are_those_of_one_process(people: str, config: Path, tmp_path: Path) -> None:
    _in_two("structure", people, tmp_path / "shared", config, "samples=8")
    tiny.trained(people, tmp_path / "alone")
    tiny.trained(people, tmp_path / "shared")
    for samples in (4, 8, 12):
        _assert_close(*(RunFolder(tmp_path / name).checkpoint(samples) for name in ("shared", "alone")))
    shared, alone = (StructuralPipeline.from_pretrained(tmp_path / name / "pipeline") for name in ("shared", "alone"))
    assert shared.unet.config.latent_statistics == alone.unet.config.latent_statistics
    assert (tmp_path / "shared/validation/000000000008.png").exists()


@pytest.mark.slow
def test_a_shared_run_goes_on_to_the_same_bits(people: str, config: Path, tmp_path: Path) -> None:
    compiled = ("compile=true", "compile_backend=eager", "gradient_checkpointing=true")
    for out, changes in (("straight", ()), ("stopped", ("samples=4",)), ("stopped", ()), ("compiled", compiled)):
        _in_two("structure", people, tmp_path / out, config, *changes)
    folders = [RunFolder(tmp_path / out).checkpoint(12) for out in ("straight", "stopped", "compiled")]
    tiny.assert_equal(folders[0], folders[1])
    _assert_close(folders[0], folders[2])
    assert StructuralPipeline.from_pretrained(tmp_path / "stopped/pipeline").unet.config.latent_statistics


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_stage_two_is_shared(people: str, config: Path, tmp_path: Path, precision: str, precisions: None) -> None:
    changes = [f"{name.replace('__', '.')}={json.dumps(value)}" for name, value in test_refiner.SCRATCH.items()]
    changes.append(f"precision={precision}")
    _in_two("refiner", people, tmp_path / "shared", config, *changes)
    tiny.trained(people, tmp_path / "alone", "refiner", **test_refiner.SCRATCH, precision=precision)
    one, other = (RunFolder(tmp_path / name).checkpoint(12) for name in ("shared", "alone"))
    assert tiny.tensors(one).keys() == tiny.tensors(other).keys()
    if precision == "no":
        _assert_close(one, other)
    assert list(RefinerPipeline.from_pretrained(tmp_path / "shared/pipeline").refiner.embedders) == [
        "skeleton",
        "depth",
    ]
