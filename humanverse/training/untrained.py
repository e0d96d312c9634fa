"""A text encoder that nobody has trained, for runs that have to do without published weights.

Its weights are random, the same each time, and stay as they are: words get vectors that differ and that depend on what stands
beside them, and the network that attends to them learns what they mean. The tokenizer is CLIP's own.
"""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

import humanverse.models  # noqa: F401  (before transformers: it readies torchvision)
from humanverse.errors import UserError

WIDTH = 128
TOKENS = 77
_MERGES = 49152 - 256 - 2
"""CLIP's vocabulary: 256 bytes, these with a word's end, as many merges, and two marks."""


def tokenizer() -> Any:
    """CLIP's, from the vocabulary that open_clip ships.

    Raises:
        UserError: if open_clip is not installed.
    """
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    found = find_spec("open_clip")
    if found is None or not found.submodule_search_locations:
        raise UserError("an untrained text encoder needs CLIP's vocabulary: pip install open_clip_torch")
    path = Path(next(iter(found.submodule_search_locations))) / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")[1 : _MERGES + 1]
    merges: Any = [(first, second) for first, second in (line.split() for line in lines)]
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=TOKENS)


def text_encoder(width: int = WIDTH, projected: bool = False) -> Any:
    """CLIP's architecture with one layer and seeded random weights.

    Args:
        width: of the embeddings; a multiple of 4.
        projected: whether it also gives one vector for the whole text, as SDXL's second encoder does.

    Raises:
        UserError: for another width.
    """
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    if width < 4 or width % 4:
        raise UserError(f"a text encoder of width {width} cannot be: give a multiple of 4")
    config = CLIPTextConfig(
        vocab_size=_MERGES + 512 + 2,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=width,
        bos_token_id=_MERGES + 512,
        eos_token_id=_MERGES + 513,
        pad_token_id=_MERGES + 513,
        initializer_factor=5.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()
