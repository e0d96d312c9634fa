"""Which encoder it is, told by its weights: layers of latents and of texts' states are good for that one and no other.

The SHA-256 is over tensors by name, shape and value in float32, so that it does not matter in which file, folder or
precision that loses nothing they were stored, nor what else lay there.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from humanverse.models.texts import token_ids

_ENCODING = ("encoder.", "quant_conv.")
"""How names of the tensors begin that decide what a VAE's latents are."""
_PROBES = ("", "A woman, 27, in a RED coat -- waving at us!", "ein Mann läuft 走る", "word " * 200)
"""Texts by which tokenizers are told apart."""


def of_vae(vae: Any) -> str:
    """SHA-256, in hex, of the part of a VAE that encodes; its scale is left out, for latents are kept without it."""
    return _digest({name: value for name, value in vae.state_dict().items() if name.startswith(_ENCODING)})


def of_text(encoder: Any, tokenizer: Any) -> str:
    """SHA-256, in hex, of a text encoder and of what its tokenizer makes of some texts."""
    return _digest({**encoder.state_dict(), "probes": token_ids(tokenizer, _PROBES).input_ids})


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().to("cpu", torch.float32).contiguous()
        hashed.update(f"{name} {list(values.shape)}\n".encode())
        hashed.update(values.numpy().data)
    return hashed.hexdigest()
