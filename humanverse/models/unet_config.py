"""The configuration of a plain UNet, as it is kept inside that of a model built from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from humanverse.errors import UserError

_LATENTS_TIME_TEXT = {
    "center_input_sample": False,
    "class_embed_type": None,
    "num_class_embeds": None,
    "addition_embed_type": None,
    "encoder_hid_dim": None,
    "encoder_hid_dim_type": None,
    "time_embedding_act_fn": None,
    "time_cond_proj_dim": None,
    "attention_type": "default",
}
"""Of a UNet without any other input."""


def as_json(unet: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``UNet2DConditionModel`` in ``unet``, as JSON has them, without what diffusers notes beside them."""
    return json.loads(json.dumps({key: value for key, value in unet.items() if not key.startswith("_")}))


def of_latents_time_and_text(unet: Mapping[str, Any]) -> dict[str, Any]:
    """``as_json``, of a UNet like Stable Diffusion 2's.

    Raises:
        UserError: if it has inputs other than latents, time and text.
    """
    config = as_json(unet)
    for key, value in _LATENTS_TIME_TEXT.items():
        if config.get(key, value) != value:
            raise UserError(
                f"A backbone with {key} = {config[key]!r} cannot be used: take one like Stable Diffusion 2's."
            )
    return config
