"""Where a stage comes from: a run of ``humanverse train``, finished or not, one of its checkpoints, or a pipeline's folder."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from humanverse.errors import UserError, one_line
from humanverse.generation.skeletons import Size
from humanverse.training.checkpoints import AVERAGE, PIPELINE, SETTINGS, RunFolder, read_state

INDEX = "model_index.json"
CLASSES: Mapping[str, str] = {"structure": "StructuralPipeline", "refiner": "RefinerPipeline"}
"""Stage -> the class of its pipeline."""
OPTIONS: Mapping[str, str] = {"structure": "--model", "refiner": "--refiner"}
"""Stage -> how the command line asks for it."""
USUAL: Mapping[str, int] = {"structure": 512, "refiner": 1024}
"""Stage -> side of its pictures where nothing says another."""
_LEFT_OUT = frozenset({"optimiser.pt", "state.json"})
"""Files of a checkpoint that have no part in what it makes."""
_OF_PARTS = ("model.", "noise.", "precision")
"""Beginnings of the settings that decide what a checkpoint makes, beside its own weights."""

Place = Callable[[str], str]
"""``hf:OWNER/REPO@REVISION`` or a folder -> a folder on this machine."""


@dataclass(frozen=True)
class Source:
    """A stage that can be loaded.

    Attributes:
        named: as the user names it.
        stage: ``structure`` or ``refiner``.
        folder: of a pipeline, or of a checkpoint.
        settings: of the run that it is of, flat; None if it is of none that is known.
        checkpoint: whether ``folder`` is a checkpoint, whose frozen parts the settings name.
        place: where models that the settings name lie.
    """

    named: str
    stage: str
    folder: Path
    settings: Mapping[str, Any] | None
    checkpoint: bool
    place: Place = field(default=lambda base: base, compare=False)

    @cached_property
    def sha256(self) -> str:
        """Of the lines "SHA-256 of a file, two spaces, its path in the folder", sorted by path: what made the pictures.

        A checkpoint's frozen parts are not in it: see ``frozen``.
        """
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name not in _LEFT_OUT)
        named = sorted((path.relative_to(self.folder).as_posix(), path) for path in files)
        whole = hashlib.sha256()
        for name, path in named:
            with path.open("rb") as file:
                whole.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
        return whole.hexdigest()

    @cached_property
    def frozen(self) -> dict[str, Any] | None:
        """What a run's settings say of the parts that are not in its checkpoint, by name, not by content; None if all are in."""
        if not self.checkpoint:
            return None
        said = (self.settings or {}).items()
        return {name: value for name, value in said if name.startswith(_OF_PARTS) and value is not None}

    @cached_property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that it was trained with, as far as they are known: the run's buckets, else the UNet's own side."""
        from humanverse.loading.buckets import check_buckets

        buckets = (self.settings or {}).get("data.buckets")
        if buckets:
            return check_buckets([tuple(item) if isinstance(item, list) else item for item in buckets])
        side = self._side() or USUAL[self.stage]
        return ((side, side),)

    @cached_property
    def step(self) -> int | None:
        """Of which the sides of its pictures are multiples, as its VAE's configuration says; None if that is not known here."""
        said = (self.settings or {}).get("model.vae") if self.checkpoint else None
        kind, _, side = str(said or "").partition(":")
        if kind == "patch":
            return int(side or 4)
        base = (self.settings or {}).get("model.base") if self.checkpoint else self.folder
        folders = [Path(said)] if said else []
        folders += [Path(base) / "vae"] if base else []
        halved = next((found for folder in folders if (found := _config(folder).get("block_out_channels"))), None)
        return 2 ** (len(halved) - 1) if halved else None

    def _side(self) -> int | None:
        """Pixels of the side that the UNet's configuration names."""
        unet, vae = (_config(self.folder / part) for part in ("unet", "vae"))
        cells = (unet.get("unet") or unet).get("sample_size")
        return int(cells) * 2 ** (len(vae.get("block_out_channels") or [0]) - 1) if isinstance(cells, int) else None

    def facts(self) -> dict[str, Any]:
        """What made a picture, as JSON has it."""
        return {"name": self.named, "folder": self.folder.name, "sha256": self.sha256, "frozen": self.frozen}

    def load(self, device: Any) -> Any:
        """The pipeline, in single precision, on ``device``.

        Raises:
            UserError: if it cannot be loaded.
        """
        if not self.folder.is_dir():
            raise UserError(f"{OPTIONS[self.stage]} {self.named}: {self.folder} is not there any more: give another")
        return (_of_checkpoint if self.checkpoint else _of_pipeline)(self, device)


def nearest_size(sizes: Sequence[Size], wanted: Size) -> Size:
    """That of ``sizes`` whose aspect ratio is nearest to that of ``wanted``, as a quotient; of equals the first."""
    shape = math.log(wanted[0] / wanted[1])
    return min(sizes, key=lambda size: abs(math.log(size[0] / size[1]) - shape))


def source_of(named: str, stage: str, place: Place = lambda base: base) -> Source:
    """Find a stage.

    Args:
        named: a run's folder, of which the newest weights are taken; a checkpoint in it; or a folder that ``save_pretrained`` of
            its pipeline wrote. Or what ``place`` makes one of these of.
        stage: ``structure`` or ``refiner``.

    Raises:
        UserError: if there is none, or it is another stage's.
    """
    folder = Path(place(named))
    if not folder.is_dir():
        raise UserError(
            f"{OPTIONS[stage]} {named}: there is no such folder: give a run of humanverse train, or a pipeline"
        )
    run = _run_of(folder)
    if run is None and not (folder / INDEX).is_file():
        raise UserError(f"{OPTIONS[stage]} {named} is neither a run of humanverse train {stage} nor its pipeline")
    settings = run.settings() if run else None
    inside = _newest(run, named) if run and folder == run.path else folder
    checkpoint = not (inside / INDEX).is_file()
    found = str((settings or {})["stage"]) if checkpoint else _stage_of(inside, named)
    if found != stage:
        raise UserError(f"{OPTIONS[stage]} {named} is of the other stage: give it as {OPTIONS[found]}")
    return Source(named, stage, inside, settings, checkpoint, place)


def _run_of(folder: Path) -> RunFolder | None:
    """The run that ``folder`` is, or that it is a pipeline or a checkpoint of."""
    for path in (folder, folder.parent, folder.parent.parent):
        if (path / SETTINGS).is_file() and (
            path == folder or folder == path / PIPELINE or folder.parent.parent == path
        ):
            return RunFolder(path, only_read=True)
    return None


def _newest(run: RunFolder, named: str) -> Path:
    """The result of a run, or a checkpoint that is newer.

    Raises:
        UserError: if it has neither.
    """
    pipeline, latest = run.path / PIPELINE, run.latest()
    if (pipeline / INDEX).is_file():
        seen, further = _samples_of(pipeline), _samples_of(latest) if latest else None
        if latest is None or seen is None or further is None or seen >= further:
            return pipeline
    if latest is None:
        raise UserError(f"{named} has no checkpoint yet: wait for the first, or train on")
    return latest


def _samples_of(folder: Path) -> int | None:
    """Samples that were seen until ``folder`` was written; None if it does not say."""
    try:
        return int(read_state(folder)["progress"]["samples"])
    except FileNotFoundError:
        return None


def _stage_of(folder: Path, named: str) -> str:
    try:
        kind = json.loads((folder / INDEX).read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{named}: {INDEX} cannot be read ({one_line(error, 120)}): save the pipeline again") from error
    stages = {pipeline: stage for stage, pipeline in CLASSES.items()}
    if kind not in stages:
        raise UserError(f"{named} holds a {kind}: a {' or a '.join(stages)} is needed, as humanverse train writes it")
    return stages[kind]


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_pipeline(source: Source, device: Any) -> Any:
    from humanverse import models
    from humanverse.training import parts
    from humanverse.training.stage import hush_long_prompts, quietly

    hush_long_prompts()
    with quietly():
        return parts.loaded(getattr(models, CLASSES[source.stage]).from_pretrained, source.folder).to(device)


def _of_checkpoint(source: Source, device: Any) -> Any:
    """A checkpoint's weights, averaged if an average is kept, with the frozen parts of the run's settings."""
    from safetensors.torch import load_file

    from humanverse.training.run import STAGES
    from humanverse.training.stage import quietly

    with quietly():
        stage = STAGES[source.stage](_settings(source), source.folder, device)
    average = source.folder / AVERAGE
    if average.is_file():
        unknown = stage.model.load_state_dict(load_file(average, device=str(device)), strict=False).unexpected_keys
        if unknown:
            raise UserError(f"{average} is not of this model: it has {unknown[0]}: take another checkpoint")
    stage.model.eval()
    return stage.pipeline


def _settings(source: Source) -> Any:
    """The run's settings, with folders of this machine."""
    from humanverse.training.named import placed
    from humanverse.training.settings import TrainSettings

    tree: dict[str, Any] = {}
    for name, value in (source.settings or {}).items():
        *sections, last = name.split(".")
        inner = tree
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[last] = value
    tree.pop("stage")
    settings = TrainSettings.model_validate(tree)
    return settings.model_copy(update={"model": placed(settings.model, source.place)})
