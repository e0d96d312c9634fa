"""Where the parts of a run come from: a pipeline's folder, folders of their own, or from scratch.

All parts have the doors of diffusers and transformers, so that what is trained with them is saved as a pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import humanverse.models  # noqa: F401  (before diffusers: it readies torchvision)

# isort: split
from diffusers import AutoencoderKL, UNet2DConditionModel

from humanverse.errors import UserError, one_line
from humanverse.models import presets
from humanverse.models.patch_vae import PatchVae, patch_vae
from humanverse.training import untrained
from humanverse.training.settings import PACKAGED_TEXT, ModelSettings
from humanverse.training.stage import quietly

TINY: Mapping[str, Any] = {
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (64, 128, 256),
    "layers_per_block": 2,
    "attention_head_dim": (2, 4, 8),
    "use_linear_projection": True,
}
"""A small UNet like Stable Diffusion 2's, for pictures of up to 128 pixels and patches of 4."""

TINY_XL: Mapping[str, Any] = {
    **TINY,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 32,
}
"""Likewise, with the inputs of SDXL's."""

BACKBONES: Mapping[str, Mapping[str, Any]] = {
    "sd2-base": presets.SD2_BASE,
    "sdxl-base": presets.SDXL_BASE,
    "tiny": TINY,
    "tiny-xl": TINY_XL,
}
"""UNets that can be trained from scratch, by name."""

UNLIMITED = 1_000_000
"""Tokens from which on a tokenizer's ``model_max_length`` means that nobody said one."""

_VAES: Mapping[str, type[Any]] = {"AutoencoderKL": AutoencoderKL, "PatchVae": PatchVae}


def placed(settings: ModelSettings, place: Callable[[str], str]) -> ModelSettings:
    """The settings with folders of this machine for ``base`` and ``text``.

    Args:
        place: makes a folder of ``hf:OWNER/REPO@REVISION`` and of ``text-encoder:NAME``; gives any other word back.
    """
    text = f"text-encoder:{settings.text}" if settings.text in PACKAGED_TEXT else settings.text
    named = {"base": settings.base, "text": text}
    return settings.model_copy(update={name: value and place(value) for name, value in named.items()})


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


def loaded(load: Callable[..., Any], folder: Path, **options: Any) -> Any:
    """What ``load`` makes of ``folder``.

    Raises:
        UserError: if it cannot be loaded.
    """
    try:
        with quietly():
            return load(folder, **options)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise UserError(f"{folder} cannot be loaded: {one_line(error, 200)}") from error


def vae_of(settings: ModelSettings) -> Any:
    """The VAE, or what stands for it.

    Raises:
        UserError: if none is named or it cannot be loaded.
    """
    kind, _, side = (settings.vae or "").partition(":")
    if kind == "patch":
        return patch_vae(_number(side, 4, f"model.vae {settings.vae}"))
    folder = Path(settings.vae) if settings.vae else folder_of(_base(settings, "vae"), "vae")
    name = class_name(folder)
    if name not in _VAES:
        raise UserError(f"{folder} holds a {name}: a VAE can be {' or '.join(_VAES)}")
    return loaded(_VAES[name].from_pretrained, folder).eval()


def text_of(settings: ModelSettings, second: bool = False) -> tuple[Any, Any]:
    """Text encoder and tokenizer.

    Args:
        second: SDXL's second ones, whose encoder has a projection.

    Raises:
        UserError: if none is named or it cannot be loaded.
    """
    kind, _, width = (settings.text or "").partition(":")
    if kind == "untrained":
        wide = _number(width, untrained.WIDTH, f"model.text {settings.text}")
        return untrained.text_encoder(wide, projected=second), untrained.tokenizer()
    from transformers import AutoModel, AutoTokenizer, CLIPTextModel, CLIPTextModelWithProjection

    base = settings.text or _base(settings, "text")
    end = "_2" if second else ""
    inside = (Path(base) / f"text_encoder{end}").is_dir()
    if second and not inside:
        raise UserError(f"{base} has no folder text_encoder_2: SDXL needs two text encoders")
    encoder = Path(base) / f"text_encoder{end}" if inside else Path(base)
    tokenizer = Path(base) / f"tokenizer{end}" if inside else Path(base)
    clip = {"clip_text_model": CLIPTextModelWithProjection if second else CLIPTextModel}
    make = clip.get(_model_type(encoder), AutoModel)
    model, words = loaded(make.from_pretrained, encoder).eval(), loaded(AutoTokenizer.from_pretrained, tokenizer)
    words.model_max_length = _length_of_texts(model, words, encoder)
    return model, words


def _length_of_texts(model: Any, words: Any, folder: Path) -> int:
    """Tokens that an encoder reads, by its own word or by its tokenizer's.

    Raises:
        UserError: if it needs more than a text, or neither says.
    """
    if model.config.is_encoder_decoder:
        raise UserError(
            f"{folder} holds a {type(model).__name__}, an encoder with a decoder: give an encoder alone, such as CLIP's or BERT's"
        )
    places = getattr(model.config, "max_position_embeddings", None) or -1
    limit = int(min(words.model_max_length, places if places > 0 else UNLIMITED))
    if limit >= UNLIMITED:
        raise UserError(
            f"{folder} does not say how long texts may be: write model_max_length, 77 for example, to its tokenizer_config.json"
        )
    return limit


def unet_of(settings: ModelSettings, channels: int, text: int, more: Mapping[str, Any] | None = None) -> Any:
    """A plain UNet: from scratch if ``settings.unet`` says which, else the base's.

    Args:
        channels: of the latents, for one from scratch.
        text: width of the text's embeddings, for one from scratch.
        more: further arguments of one from scratch.

    Raises:
        UserError: if none is named, it cannot be loaded or does not fit the VAE and text encoder.
    """
    if settings.unet is None:
        folder = folder_of(_base(settings, "unet"), "unet")
        unet = loaded(UNet2DConditionModel.from_pretrained, folder)
        wanted = {"in_channels": channels, "cross_attention_dim": text}
        for name, value in wanted.items():
            if unet.config[name] != value:
                raise UserError(
                    f"{folder} has {name} {unet.config[name]}, VAE and text encoder make {value}: name fitting ones"
                )
        return unet
    fitting = {"in_channels": channels, "out_channels": channels, "cross_attention_dim": text, **(more or {})}
    try:
        return UNet2DConditionModel(**{**backbone(settings.unet), **fitting})
    except (TypeError, ValueError, ZeroDivisionError, NotImplementedError) as error:
        raise UserError(f"model.unet cannot be built: {one_line(error, 200)}") from error


def backbone(named: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a UNet that is given by name or as they are.

    Raises:
        UserError: for an unknown name.
    """
    if not isinstance(named, str):
        return named
    if named not in BACKBONES:
        raise UserError(f"model.unet {named}: choose from {', '.join(BACKBONES)}, or give arguments of a UNet")
    return BACKBONES[named]


def frozen(part: torch.nn.Module, device: torch.device, dtype: torch.dtype = torch.float32) -> Any:
    """``part`` without gradients, where and as precise as it is needed."""
    return torch.nn.Module.to(part.requires_grad_(False).eval(), device, dtype)


def _base(settings: ModelSettings, part: str) -> str:
    if settings.base is None:
        raise UserError(
            f"there is no {part}: name a pretrained pipeline with model.base, or train from scratch "
            "(model.unet: tiny, model.vae: patch, model.text: untrained)"
        )
    return settings.base


def _number(text: str, usual: int, what: str) -> int:
    if text and not text.isdecimal():
        raise UserError(f"{what}: after the colon comes a whole number")
    return int(text) if text else usual


def _model_type(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds no text encoder: it has no config.json that can be read") from error
