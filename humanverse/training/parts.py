"""Where the parts of a run come from: a pipeline's folder, folders of their own, or from scratch.

All parts have the doors of diffusers and transformers, so that what is trained with them is saved as a pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import humanverse.models  # noqa: F401  (before diffusers: it readies torchvision)

# isort: split
from diffusers import AutoencoderKL, UNet2DConditionModel

from humanverse.errors import UserError, one_line
from humanverse.models.patch_vae import PatchVae, patch_vae
from humanverse.training import untrained
from humanverse.training.backbones import backbone
from humanverse.training.named import (
    base_of,
    class_name,
    folder_of,
    model_type,
    patch_side,
    text_folders,
    untrained_width,
    vae_folder,
)
from humanverse.training.settings import ModelSettings
from humanverse.training.stage import quietly

UNLIMITED = 1_000_000
"""Tokens from which on a tokenizer's ``model_max_length`` means that nobody said one."""

_VAES: Mapping[str, type[Any]] = {"AutoencoderKL": AutoencoderKL, "PatchVae": PatchVae}


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
    side = patch_side(settings)
    if side is not None:
        return patch_vae(side)
    folder = vae_folder(settings)
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
    width = untrained_width(settings, untrained.WIDTH)
    if width is not None:
        return untrained.text_encoder(width, projected=second), untrained.tokenizer()
    from transformers import AutoModel, AutoTokenizer, CLIPTextModel, CLIPTextModelWithProjection

    encoder, tokenizer = text_folders(settings, second)
    clip = {"clip_text_model": CLIPTextModelWithProjection if second else CLIPTextModel}
    make = clip.get(model_type(encoder), AutoModel)
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
        folder = folder_of(base_of(settings, "unet"), "unet")
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


def frozen(part: torch.nn.Module, device: torch.device, dtype: torch.dtype = torch.float32) -> Any:
    """``part`` without gradients, where and as precise as it is needed."""
    return torch.nn.Module.to(part.requires_grad_(False).eval(), device, dtype)
