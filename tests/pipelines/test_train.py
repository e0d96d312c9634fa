"""``humanverse train`` as a user runs it: it learns, survives ``kill -9``, and tells what is wrong in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from humanverse.models.pipelines.refiner import RefinerPipeline
from humanverse.models.pipelines.structural import StructuralPipeline
from humanverse.models.structural_unet import StructuralUNet
from humanverse.training.checkpoints import RunFolder
from humanverse.training.lock import only_one
from pipelines import cli
from tests.datasets import make_dataset
from tests.humanverse.training import conftest, tiny
from tests.servers import free_port

one_thread = conftest.one_thread


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_dataset(tmp_path_factory.mktemp("train") / "people", 4, 5).url


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny.SETTINGS))
    return path


def words(stage: str, people: str, out: Path, config: Path, *changes: str) -> list[str]:
    sets = [word for change in changes for word in ("--set", change)]
    return ["train", stage, "--data", people, "--out", str(out), "--config", str(config), "--json", *sets]


def start(*given: Any, more: Sequence[str] = (), **variables: str) -> subprocess.Popen[str]:
    """The command in a process of its own, on one thread."""
    command = [str(Path(sys.executable).with_name("humanverse")), *words(*given), *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def log_of(out: Path) -> list[dict[str, Any]]:
    path = out / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def call(monkeypatch: pytest.MonkeyPatch, *given: Any, more: Sequence[str] = ()) -> int:
    """The exit code of the command in this process."""
    monkeypatch.setattr(sys, "argv", ["humanverse", *words(*given), *more])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_killed_and_resumed_it_has_the_bits_of_a_run_that_was_not(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    changes = ("samples=24", "checkpoint.every=8", "checkpoint.keep=9")
    process = start("structure", people, killed, config, *changes)
    assert call(monkeypatch, "structure", people, straight, config, *changes) == 0
    while not any(line["samples"] >= 12 for line in log_of(killed)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (killed / "pipeline").exists()
    assert call(monkeypatch, "structure", people, killed, config, *changes) == 0
    assert [line["samples"] for line in log_of(killed)] == [4, 8, 12, 16, 20, 24]
    for samples in (8, 16, 24):
        tiny.assert_equal(RunFolder(straight).checkpoint(samples), RunFolder(killed).checkpoint(samples))


def test_two_processes_train_as_one(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the variables that torchrun sets, and no word of the CPU: two processes of one pass are one process of two."""
    launched = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "ACCELERATE_USE_CPU": "false",
    }
    both = [
        start("structure", people, tmp_path / "two", config, RANK=rank, LOCAL_RANK=rank, **launched) for rank in "01"
    ]
    assert call(monkeypatch, "structure", people, tmp_path / "one", config) == 0
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert json.loads(said[0][0])["samples"] == 12 and said[1][0] == ""
    tiny.assert_equal(*(RunFolder(tmp_path / name).checkpoint(12) for name in ("one", "two")))
    losses = [[line["loss"] for line in log_of(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_loss_falls_by_half_and_the_result_is_a_pipeline(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ("batch=10", "micro_batch=10", "model.unet.block_out_channels=[32, 32]", "optimiser.lr=3e-3")
    told = (
        "log.every=10",
        "checkpoint.every=1000",
        "validation.every=800",
        "validation.samples=2",
        "validation.steps=2",
    )
    assert call(monkeypatch, "structure", people, tmp_path / "run", config, "samples=800", *size, *told) == 0
    outcome = json.loads(capsys.readouterr().out)
    log = log_of(tmp_path / "run")
    losses = [line["loss"] for line in log if "loss" in line]
    assert outcome["loss"] == losses[-1] and len(losses) == 80
    assert sum(losses[-10:]) / 10 < losses[0] / 2
    assert all(0 <= line["wait"] < 1 for line in log if "loss" in line)
    assert {"loss/rgb", "loss/depth", "gradient_norm", "lr"} <= log[0].keys()
    assert any("loss/depth/3" in line for line in log)
    assert "validation/loss" in log[-1]
    assert (tmp_path / "run/validation/000000000800.png").exists()

    pipeline = StructuralPipeline.from_pretrained(outcome["pipeline"])
    assert set(pipeline.unet.config.latent_statistics) == {"rgb", "depth"}
    made = pipeline(
        "one person", {"skeleton": torch.zeros(1, 3, 16, 16)}, 16, 16, num_inference_steps=2, output_type="pt"
    )
    assert {name: tuple(picture.shape) for name, picture in made.pictures.items()} == {
        "rgb": (1, 3, 16, 16),
        "depth": (1, 3, 16, 16),
    }
    trained = StructuralUNet.from_pretrained(RunFolder(tmp_path / "run").checkpoint(800) / "unet")
    assert trained.config.targets == pipeline.unet.config.targets


def test_stage_two_from_scratch(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unet = {
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 4,
    }
    changes = [f"model.unet.{name}={value}" for name, value in unet.items()]
    changes += ["model.preset=skeleton_depth", "model.train_base=true", "samples=4"]
    assert call(monkeypatch, "refiner", people, tmp_path / "run", config, *changes) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["samples"], outcome["steps"]) == (4, 1)
    assert list(RefinerPipeline.from_pretrained(outcome["pipeline"]).refiner.embedders) == ["skeleton", "depth"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (["model.preset=papers"], "model.preset papers: choose from paper, rgb, rgb_depth"),
        (["model.preset=paper"], "no layer normal"),
        (["model.unet=null"], "there is no unet: name a pretrained pipeline with model.base, or train from scratch"),
        (["model.base=hf:nonsense"], "weights hf:nonsense: write hf:OWNER/REPO@REVISION"),
        (["model.unet=sd3"], "model.unet sd3: choose from sd2-base, sdxl-base, tiny"),
        (["model.vae=nowhere"], "nowhere holds no model"),
        (["model.vae=patch:3"], "patches of 3 x 3 pixels: give 2, 4 or 8"),
        (["model.text=nowhere"], "nowhere holds no text encoder"),
        (["model.changes.replicas=2"], "model.changes: no model can be built: TypeError: "),
        (["model.changes.replication=three"], "three"),
        (["noise.prediction=epsilon"], "Noise cannot be predicted where the last step is noise alone"),
        (["data.buckets=[17]"], "a bucket of 17x17 cannot be: give multiples of 8 pixels"),
        (["data.view=dedup"], "dedup"),
        (["micro_batch=100", "batch=100"], "no bucket has 100 samples for a batch"),
        (
            ["validation.samples=100", "validation.every=4"],
            "validation.samples 100: no bucket of what is looked at has more",
        ),
        (["log.wandb=people"], "log.wandb: wandb is not installed: pip install wandb"),
        (["optimizer.lr=1"], "settings: optimizer: there is no such setting"),
    ],
)
def test_what_is_wrong_is_one_line(
    changes: list[str],
    line: str,
    people: str,
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "structure", people, tmp_path / "run", config, *changes) == 2
    out, err = capsys.readouterr()
    lines = [one for one in err.splitlines() if one.startswith("humanverse: ")]
    assert out == "" and len(lines) == 1 and "Traceback" not in err
    assert line in lines[0]


def test_a_second_command_leaves_a_run_alone(
    people: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_one(tmp_path):
        assert call(monkeypatch, "structure", people, tmp_path, config) == 2
    assert f"--out {tmp_path}: process {os.getpid()} of" in capsys.readouterr().err
