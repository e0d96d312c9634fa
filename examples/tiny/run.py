"""Both stages of the generator from nothing: people are rendered, a VAE and both stages trained on them, and what they make is
measured.

    python examples/tiny/run.py OUT [--device cpu|cuda] [--small]

No published pictures or weights are needed but a sentence model from the Python package index. Needs the extras ray, lite, synth
and train. The same command again goes on where it was stopped. What comes out: OUT/tiny.md with figures, OUT/tiny.jpg with
pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autoencoder import MADE, Plan
from autoencoder import train as train_vae

HERE = Path(__file__).resolve().parent
VIEW = "rooms"
IN_A_ROOM = "synth_surroundings = 'room'"
"""There depth and normals are known everywhere."""


@dataclass(frozen=True)
class Size:
    """How much of everything there is.

    Attributes:
        pictures: that are rendered to train on.
        held_out: that are rendered with another seed; those in a room are measured.
        sides: of the pictures of stage 1 and of stage 2, in pixels; rendered ones have stage 2's.
        vae: how the VAE is trained.
        structure: file of settings of stage 1.
        refiner: file of settings of stage 2.
        changes: to both stages' settings.
        steps: of sampling.
    """

    pictures: int
    held_out: int
    sides: tuple[int, int]
    vae: Plan
    structure: str
    refiner: str
    changes: tuple[str, ...] = ()
    steps: int = 50


FEW = (
    "samples=16",
    "optimiser.warm_up=8",
    "model.statistics_samples=8",
    "validation.every=0",
)
VAE = Plan(side=128, batch=4, steps=3000, widths=(16, 32, 64), channels=8)
LARGE_VAE = Plan(side=256, batch=16, steps=5000, widths=(64, 128, 256), channels=8)
SIZES = {
    "cpu": Size(3000, 72, (64, 128), VAE, "structure.yaml", "refiner.yaml"),
    "cuda": Size(12_000, 400, (128, 256), LARGE_VAE, "structure-gpu.yaml", "refiner-gpu.yaml"),
    "small": Size(24, 8, (64, 128), replace(VAE, steps=4), "structure.yaml", "refiner.yaml", FEW, 2),
}
ON_CPU: Mapping[str, str] = {"ACCELERATE_USE_CPU": "true"}
"""Variables that keep training off a GPU that is there."""
GUIDANCE = 3.0
SHOWN = 12
"""Samples on the sheet."""
TOKENS = 48
"""Room for each of the captions; a text encoder pads to this length."""
LAYERS = 2
"""Of six. They know each word in its place, in a third of the time."""


class Clock:
    """Minutes that the steps took, over all runs of the command.

    Args:
        path: file in which they are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.minutes: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count what is done inside."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.minutes[name] = self.minutes.get(name, 0.0) + (time.monotonic() - began) / 60
            self._path.write_text(json.dumps(self.minutes) + "\n", encoding="utf-8")


def humanverse(*words: str | Path, variables: Mapping[str, str] | None = None) -> None:
    """Run the command line as a user would, with more environment variables, and show what is run."""
    given = variables or {}
    print("\n$", *(f"{name}={value}" for name, value in given.items()), "humanverse", *words, flush=True)
    command = [str(Path(sys.executable).with_name("humanverse")), *map(str, words)]
    done = subprocess.run(command, env={**os.environ, **given})
    if done.returncode:
        sys.exit(done.returncode)


def render(out: Path, size: Size, device: str) -> None:
    """Two datasets, ``people`` and ``held-out``, of one person in each picture, with a view of those in rooms."""
    for name, number, seed in (("people", size.pictures, 1), ("held-out", size.held_out, 2)):
        render = ("--n", str(number), "--seed", str(seed), "--size", str(size.sides[1]), "--max-people", "1")
        humanverse("synth", out / name, *render, "--device", device)
        if not (out / name / "views" / f"{VIEW}.json").exists():
            humanverse("view", out / name, VIEW, "--where", IN_A_ROOM)


def text_encoder(folder: Path) -> Path:
    """The first ``LAYERS`` of a sentence model in ``folder``, which pads to ``TOKENS``."""
    from annotators import text_encoders
    from humanverse.torchvision_operators import prepare_torchvision

    prepare_torchvision()
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if not (folder / "tokenizer_config.json").exists():
        source = text_encoders.folder(text_encoders.get("minilm"))
        model = AutoModel.from_pretrained(source, num_hidden_layers=LAYERS)
        model.config.use_attention_mask = True
        model.save_pretrained(folder)
        words = AutoTokenizer.from_pretrained(source)
        words.model_max_length = TOKENS
        words.save_pretrained(folder)
    return folder


def train(stage: str, out: Path, size: Size, device: str, *changes: str) -> None:
    """``structure`` or ``refiner``, with ``changes`` to its settings."""
    settings = {"structure": size.structure, "refiner": size.refiner}[stage]
    told = [word for change in (*changes, *size.changes) for word in ("--set", change)]
    places = ("--data", out / "people", "--out", out / stage, "--config", HERE / settings)
    humanverse("train", stage, *places, *told, variables=ON_CPU if device == "cpu" else {})


def measure(out: Path, size: Size, device: str) -> dict[str, dict[str, float]]:
    """Pictures for the held-out skeletons in OUT/tiny.jpg; what they are worth, by set of pictures and figure."""
    from coded import coded
    from figures import Judge
    from held_out import read
    from made import make
    from page import sheet
    from pictured import mixed

    told = read(out / "held-out", VIEW, size.sides[0])
    made = make(told, out / "structure", out / "refiner", device, size.steps, GUIDANCE)
    sheet(made[:SHOWN]).save(out / "tiny.jpg", quality=88)
    shown, rendered = [one.shown for one in made], [one.told.rendered for one in made]
    sets = {
        "stage 1": shown,
        "stage 2": [one.refined for one in made],
        "rendered": rendered,
        "through the VAE": coded(rendered, str(out / "vae" / MADE)),
        "mixed up": [mixed(*three) for three in zip(shown, shown[1:] + shown[:1], shown[2:] + shown[:2], strict=True)],
    }
    judge = Judge()
    return {name: judge.figures(pictures) for name, pictures in sets.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for everything")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: larger, too")
    parser.add_argument("--small", action="store_true", help="only to see that every step runs: nothing is learnt")
    asked = parser.parse_args()
    size = SIZES["small" if asked.small else asked.device]
    asked.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(asked.out / "minutes.json")
    with clock.step("render"):
        render(asked.out, size, asked.device)
    with clock.step("VAE"):
        vae = train_vae(asked.out / "people", VIEW, asked.out / "vae", size.vae, asked.device)
    with clock.step("stage 1"):
        text = f"model.text={text_encoder(asked.out / 'text')}"
        train("structure", asked.out, size, asked.device, f"model.vae={vae}", text)
    with clock.step("stage 2"):
        train("refiner", asked.out, size, asked.device, f"model.vae={vae}")
    with clock.step("generate and measure"):
        figures = measure(asked.out, size, asked.device)
    (asked.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")

    from page import written

    (asked.out / "tiny.md").write_text(written(figures, size.sides, clock.minutes), encoding="utf-8")
    print(f"\n{asked.out / 'tiny.md'}\n{asked.out / 'tiny.jpg'}")


if __name__ == "__main__":
    main()
