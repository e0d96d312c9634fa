"""The settings of a training run, from a YAML file and ``key=value``, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from humanverse.errors import UserError
from schemas.recipe import explain

Precision = Annotated[Literal["auto", "no", "bf16"], BeforeValidator(lambda given: "no" if given is False else given)]
"""YAML reads ``no`` as false."""
Share = Annotated[float, Field(ge=0, lt=1)]

PACKAGED_TEXT = ("minilm",)
"""Text encoders that come from a package, by what ``model.text`` calls them."""
DOCS = "docs/training.md"
"""Where all settings are told."""
NUMBERS = {"structure": 1, "refiner": 2}
"""Of the stages."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Strict):
    """Which samples, and what they look like."""

    view: str | None = Field(default=None, description="of the dataset; null: all samples")
    layers: tuple[str, ...] = Field(default=(), description="depth/NAME and the like, for kinds of several layers")
    captions: dict[str, float] = Field(default={"source": 1.0}, description="source or a caption layer -> weight")
    buckets: tuple[int | tuple[int, int], ...] = Field(
        default=(512,), description="sides, or [width, height], in pixels"
    )
    flip: bool = Field(default=False, description="mirror every second sample")
    crop: Literal["random", "centre"] = Field(default="random", description="where in the picture the bucket lies")
    cache: bool = Field(default=True, description="use layers of latents and prompts that fit")
    threads: int = Field(default=4, ge=1, description="that decode, in each process")
    ahead: int = Field(default=3, ge=1, description="batches that are decoded before they are needed")
    workers: int = Field(default=0, ge=0, description="further processes that make batches; 0: threads alone")


class ModelSettings(_Strict):
    """What is trained, and from where on."""

    preset: str = Field(default="paper", description="of humanverse.model_presets: STRUCTURAL or REFINER")
    changes: dict[str, Any] = Field(default={}, description="arguments of the model's class, on top of the preset's")
    base: str | None = Field(
        default=None, description="a diffusers pipeline whose parts are used: folder or hf:OWNER/REPO@REV"
    )
    unet: str | dict[str, Any] | None = Field(
        default=None, description="from scratch: a backbone's name, or its arguments"
    )
    vae: str | None = Field(default=None, description="patch, patch:SIDE, or a folder; null: the base's")
    text: str | None = Field(
        default=None, description="untrained, untrained:WIDTH, minilm, or a folder; null: the base's"
    )
    train_base: bool = Field(default=False, description="refiner: train the UNet that is steered, too")
    statistics_samples: int = Field(default=1024, ge=1, description="structure: samples that latents are measured on")


class NoiseSettings(_Strict):
    """Null is what the preset says."""

    prediction: Literal["v_prediction", "epsilon"] | None = None
    zero_terminal_snr: bool | None = None
    own_timesteps: bool | None = None


class OptimiserSettings(_Strict):
    """AdamW."""

    lr: float = Field(default=1e-5, gt=0)
    betas: tuple[Share, Share] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warm_up: int = Field(default=0, ge=0, description="samples over which lr rises from 0")
    clip: float = Field(default=1.0, gt=0, description="greatest norm of the gradient")
    patience: int = Field(
        default=10, ge=1, description="steps in a row without a finite gradient after which the run stops"
    )


class EmaSettings(_Strict):
    """The averaged weights."""

    half_life: float = Field(default=100_000, ge=0, description="in samples; 0: no average is kept")
    ramp: float = Field(default=0.05, gt=0, description="half life is at most this share of the samples seen")


class CheckpointSettings(_Strict):
    """When the run is saved."""

    every: int = Field(default=50_000, ge=1, description="samples")
    keep: int = Field(default=3, ge=1, description="latest checkpoints that stay")


class ValidationSettings(_Strict):
    """Pictures and losses on the same samples each time."""

    every: int = Field(default=50_000, ge=0, description="samples; 0: never")
    view: str | None = Field(default=None, description="null: the training data's")
    samples: int = Field(default=4, ge=1)
    steps: int = Field(default=20, ge=1, description="of sampling")
    guidance: float = Field(default=7.5, ge=1)


class LogSettings(_Strict):
    """What is told of the run."""

    every: int = Field(default=1_000, ge=1, description="samples")
    trackers: tuple[Literal["tensorboard"], ...] = Field(default=(), description="beside log.jsonl")
    wandb: str | None = Field(default=None, description="project of Weights & Biases that is told, too")


class TrainSettings(_Strict):
    """All of a run. Lengths of time are counted in samples seen."""

    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    noise: NoiseSettings = NoiseSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    ema: EmaSettings = EmaSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    validation: ValidationSettings = ValidationSettings()
    log: LogSettings = LogSettings()
    samples: int = Field(default=1_000_000, ge=1, description="after which the run ends")
    batch: int = Field(default=64, ge=1, description="samples of a step, of all processes together")
    micro_batch: int = Field(default=8, ge=1, description="samples of one pass of one process")
    dropout: float | None = Field(
        default=None, ge=0, le=1, description="null: 0.15 of structure's conditions; the preset's of refiner's"
    )
    masked_loss: bool = Field(default=True, description="leave out of a target's loss where its map is not valid")
    precision: Precision = Field(default="auto", description="auto: bf16 on a GPU, else no")
    gradient_checkpointing: bool = False
    compile: bool = Field(default=False, description="the networks that are trained, by torch.compile")
    compile_backend: str = Field(default="inductor", description="of torch.compile")
    sharding: Literal["none", "fsdp"] = Field(default="none", description="fsdp: processes share one model's weights")
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _passes_fit(self) -> Self:
        if self.batch % self.micro_batch:
            raise ValueError(f"batch {self.batch} must be a multiple of micro_batch {self.micro_batch}")
        return self

    def decisive(self) -> dict[str, Any]:
        """What a run that goes on must have in common with its beginning, flat: ``model.preset`` -> value."""
        return {name: value for name, value in _flat(self.model_dump(mode="json")).items() if not _is_free(name)}


FREE = (
    "samples",
    "gradient_checkpointing",
    "compile",
    "compile_backend",
    "sharding",
    "checkpoint.",
    "validation.",
    "log.",
    "data.cache",
    "data.threads",
    "data.ahead",
    "data.workers",
)
"""Settings, or sections, that do not decide what the weights become, but for how sums are rounded, and for ``samples``,
which says when to stop."""
CHANGEABLE = ("micro_batch", "optimiser.lr", "precision")
"""Settings that do decide, and may change from a checkpoint on: what helps where memory is short, or learning breaks."""


def _is_free(name: str) -> bool:
    return any(name == free or (free.endswith(".") and name.startswith(free)) for free in FREE)


def _flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{above}{key}"
        found.update(_flat(value, f"{name}.") if above == "" and isinstance(value, dict) else {name: value})
    return found


def load(path: Path | None = None, changes: Sequence[str] = ()) -> TrainSettings:
    """The settings of a file with ``changes`` on top.

    Args:
        path: YAML; None for the usual ones.
        changes: ``section.name=value``; values as YAML has them.

    Raises:
        UserError: if the file cannot be read, or a setting cannot be.
    """
    given = _read(path) if path else {}
    for change in changes:
        _change(given, change)
    try:
        return TrainSettings.model_validate(given)
    except ValidationError as error:
        raise UserError(f"settings: {explain(error)}{_hint(error)}") from error


def _hint(error: ValidationError) -> str:
    """What was likely meant by the setting that ``error`` is first about."""
    first = error.errors(include_url=False)[0]
    *sections, last = map(str, first["loc"]) if first["loc"] else [""]
    if first["type"] == "extra_forbidden":
        return _likely(sections, last)
    name, colon, value = last.partition(":")
    if colon and first["input"] is None:
        return f": a space is missing after the colon: write {'.'.join(sections)}={{{name}: {value}}}, in quotes"
    return ""


def _likely(sections: Sequence[str], wrong: str) -> str:
    """What to give instead of ``wrong`` in ``sections``, of which there is no such setting."""
    names, above = list(_flat(TrainSettings().model_dump())), ".".join([*sections, ""])
    within = [name for name in names if name.startswith(above)] if sections else [*TrainSettings.model_fields, *names]
    near = get_close_matches(wrong, [name.removeprefix(above) for name in within], 1)
    likely = [name for name in names if name.rpartition(".")[2] == wrong] or [f"{above}{name}" for name in near]
    if likely:
        return f": did you mean {likely[0]}?"
    if sections:
        return f": {above[:-1]} has {', '.join(name.removeprefix(above) for name in within)}"
    return f": {DOCS} has those that there are"


def check_stage(stage: str, settings: TrainSettings) -> None:
    """Refuse settings that ``stage`` cannot have.

    Raises:
        UserError: if there is one.
    """
    if NUMBERS.get(stage) == 2 and settings.model.text in PACKAGED_TEXT:
        raise UserError(
            f"model.text {settings.model.text} is for stage 1, train structure: stage 2 has SDXL's two text encoders: "
            "name model.base, or model.text=untrained"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: give a file of settings") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found or {}, dict):
        raise UserError(f"{path} holds no mapping of settings: see {DOCS}")
    return found or {}


def _change(given: dict[str, Any], change: str) -> None:
    name, equals, text = change.partition("=")
    if not equals or not name:
        raise UserError(f"--set {change}: write section.name=value")
    *sections, last = name.split(".")
    for section in sections:
        given = given.setdefault(section, {})
        if not isinstance(given, dict):
            raise UserError(f"--set {change}: {section} has no settings in it")
    try:
        given[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--set {change}: the value is no YAML: quote it") from error


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], out: str) -> None:
    """Refuse to go on with other settings than the run began with.

    Args:
        before: ``TrainSettings.decisive``, and ``stage``, of the run so far.
        now: likewise, of how it is to go on.
        out: the run, for the error.

    Raises:
        UserError: if a setting differs.
    """
    stage = before.get("stage")
    if stage in NUMBERS and "stage" in now and stage != now["stage"]:
        raise UserError(f"{out} is a run of stage {NUMBERS[stage]}, train {stage}: give another --out")
    for name in sorted((before.keys() | now.keys()) - {*CHANGEABLE}):
        if before.get(name) != now.get(name):
            raise UserError(
                f"{out} was begun with {name} {before.get(name)}, not {now.get(name)}: give the same, or another --out"
            )


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A line for each setting of ``CHANGEABLE`` that differs; arguments as of ``check_same``."""
    return [
        f"{name} is {now.get(name)} from here on, and was {before.get(name)}"
        for name in CHANGEABLE
        if before.get(name) != now.get(name)
    ]
