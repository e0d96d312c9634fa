"""The words, folders and presets that a run's settings name: what can be known of them without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from humanverse import model_presets
from humanverse.errors import UserError
from humanverse.training.backbones import backbone
from humanverse.training.settings import PACKAGED_TEXT, ModelSettings

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "structure": model_presets.STRUCTURAL,
    "refiner": model_presets.REFINER,
}
"""What ``model.preset`` can be, by stage."""
_ENCODERS: Mapping[str, tuple[bool, ...]] = {"structure": (False,), "refiner": (False, True)}
"""Text encoders by stage: whether each is SDXL's second one."""
PATCH, UNTRAINED = "patch", "untrained"
"""What ``model.vae`` and ``model.text`` begin with where no folder is meant."""
SIDE = 4
"""Pixels of a patch's side, where ``model.vae`` does not say."""

Setting = TypeVar("Setting")


def check(stage: str, settings: ModelSettings, fetched: Collection[str] = ()) -> None:
    """Refuse names of which there is nothing.

    Args:
        stage: ``structure`` or ``refiner``.
        fetched: what stands before the colon of names that become folders of this machine only when the run begins.

    Raises:
        UserError: if there is one.
    """
    preset(PRESETS[stage], settings.preset)
    if settings.vae or not _is_fetched(settings.base, fetched):
        _check_vae(settings)
    text = settings.text or settings.base
    if text not in PACKAGED_TEXT and not _is_fetched(text, fetched):
        for second in _ENCODERS[stage]:
            _check_text(settings, second)
    if isinstance(settings.unet, str):
        backbone(settings.unet)


def _is_fetched(name: str | None, fetched: Collection[str]) -> bool:
    scheme, colon, _ = (name or "").partition(":")
    return bool(colon) and scheme in fetched


def _check_vae(settings: ModelSettings) -> None:
    if patch_side(settings) is None:
        class_name(vae_folder(settings))


def _check_text(settings: ModelSettings, second: bool) -> None:
    if untrained_width(settings, 1) is None:
        model_type(text_folders(settings, second)[0])


def preset(of: Mapping[str, Setting], name: str) -> Setting:
    """The preset of that name.

    Raises:
        UserError: if ``of`` has none.
    """
    if name not in of:
        raise UserError(f"model.preset {name}: choose from {', '.join(of)}")
    return of[name]


def placed(settings: ModelSettings, place: Callable[[str], str]) -> ModelSettings:
    """The settings with folders of this machine for ``base`` and ``text``.

    Args:
        place: makes a folder of ``hf:OWNER/REPO@REVISION`` and of ``text-encoder:NAME``; gives any other word back.
    """
    text = f"text-encoder:{settings.text}" if settings.text in PACKAGED_TEXT else settings.text
    named = {"base": settings.base, "text": text}
    return settings.model_copy(update={name: value and place(value) for name, value in named.items()})


def patch_side(settings: ModelSettings) -> int | None:
    """Pixels of a patch's side; None if ``model.vae`` is no patch.

    Raises:
        UserError: if it is no number.
    """
    return _number(settings.vae, PATCH, SIDE, "model.vae")


def untrained_width(settings: ModelSettings, usual: int) -> int | None:
    """Of an untrained text encoder's embeddings, ``usual`` where ``model.text`` does not say; None if it means another encoder.

    Raises:
        UserError: if it is no number.
    """
    return _number(settings.text, UNTRAINED, usual, "model.text")


def _number(given: str | None, word: str, usual: int, setting: str) -> int | None:
    kind, _, number = (given or "").partition(":")
    if kind != word:
        return None
    if number and not number.isdecimal():
        raise UserError(f"{setting} {given}: after the colon comes a whole number")
    return int(number) if number else usual


def vae_folder(settings: ModelSettings) -> Path:
    """Where the VAE is, if it is no patch.

    Raises:
        UserError: if none is named.
    """
    return Path(settings.vae) if settings.vae else folder_of(base_of(settings, "vae"), "vae")


def text_folders(settings: ModelSettings, second: bool = False) -> tuple[Path, Path]:
    """Where text encoder and tokenizer are, if they are not untrained.

    Args:
        second: SDXL's second ones.

    Raises:
        UserError: if none are named, or there are no second ones.
    """
    base, end = Path(settings.text or base_of(settings, "text")), "_2" if second else ""
    encoder = base / f"text_encoder{end}"
    if encoder.is_dir():
        return encoder, base / f"tokenizer{end}"
    if second:
        raise UserError(f"{base} has no folder text_encoder_2: SDXL needs two text encoders")
    return base, base


def base_of(settings: ModelSettings, part: str) -> str:
    """``model.base``, for a ``part`` that no other setting names.

    Raises:
        UserError: if there is none.
    """
    if settings.base is None:
        raise UserError(
            f"there is no {part}: name a pretrained pipeline with model.base, or train from scratch "
            "(model.unet: tiny, model.vae: patch, model.text: untrained)"
        )
    return settings.base


def folder_of(base: str, part: str) -> Path:
    """The folder of a pipeline's ``part``.

    Raises:
        UserError: if there is none.
    """
    found = Path(base) / part
    if not found.is_dir():
        raise UserError(f"model.base {base} has no folder {part}: give a diffusers pipeline, or say model.{part}")
    return found


def class_name(folder: Path) -> str:
    """What class was saved in ``folder``.

    Raises:
        UserError: if that cannot be told.
    """
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder} holds no model: it has no config.json that names its class") from error


def model_type(folder: Path) -> str:
    """What transformers calls the model in ``folder``.

    Raises:
        UserError: if that cannot be told.
    """
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds no text encoder: it has no config.json that can be read") from error
