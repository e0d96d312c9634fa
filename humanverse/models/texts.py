"""What a text encoder says of prompts, for the pipelines, the trainer, and layers of states alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def token_ids(tokenizer: Any, prompts: Sequence[str]) -> Any:
    """``input_ids`` and ``attention_mask``, (prompts, tokens) each: padded or cut to as many tokens as the tokenizer allows."""
    return tokenizer(
        list(prompts),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )


def unread(tokenizer: Any, prompt: str) -> str:
    """The end of ``prompt`` that ``token_ids`` cuts off, as its tokens say it; empty if all is read."""
    limit = tokenizer.model_max_length
    ids = tokenizer(prompt, add_special_tokens=True, truncation=False, verbose=False).input_ids
    cut: str = tokenizer.decode(ids[limit - 1 :], skip_special_tokens=True) if len(ids) > limit else ""
    return cut.strip()


def states(encoder: Any, tokenizer: Any, prompts: Sequence[str], device: torch.device | str) -> torch.Tensor:
    """The text encoder's last hidden states, (prompts, tokens, width).

    Args:
        device: that the encoder is on.
    """
    tokens = token_ids(tokenizer, prompts)
    masked = getattr(encoder.config, "use_attention_mask", False)
    mask = tokens.attention_mask.to(device) if masked else None
    found: torch.Tensor = encoder(tokens.input_ids.to(device), attention_mask=mask)[0]
    return found
