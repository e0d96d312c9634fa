"""Tiny CLIP and SigLIP models with random weights, of the same classes as the real ones and with real tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annotators.torch.clip_images import OPENAI_L14
from humanverse.torchvision_operators import prepare_torchvision
from tests.annotators.tiny import saved

prepare_torchvision()

CLIP = "tiny-pair"
CLIP_WIDTH = 768
CLIP_CONTEXT = 12
SIGLIP_WIDTH = 32
SIGLIP_CONTEXT = 16
SPECIAL = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4}
SPACE = "▁"
MERGES = [("c", "a"), ("ca", "t"), ("d", "o"), ("do", "g")]
_CLIP = {
    "embed_dim": CLIP_WIDTH,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": CLIP_CONTEXT, "vocab_size": 49_408, "width": 16, "heads": 2, "layers": 1},
}


def know_clip(folder: Path) -> None:
    """Makes ``CLIP`` an architecture of open_clip."""
    import open_clip

    path = folder / f"{CLIP}.json"
    path.write_text(json.dumps(_CLIP))
    open_clip.add_model_config(path)


def clip(folder: Path, architecture: str = CLIP) -> Path:
    """A CLIP model in a file of the published name."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = open_clip.create_model(architecture)
    path = folder / OPENAI_L14.file_name
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    return path


def siglip(folder: Path, vision: dict[str, Any] | None = None, text: dict[str, Any] | None = None) -> Path:
    """A SigLIP model of a fixed resolution as ``save_pretrained`` writes it, with SigLIP 2's tokenizer.

    Args:
        vision: settings of the tower for pictures instead of the tiny ones.
        text: settings of the tower for texts.
    """
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    blocks = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "hidden_size": SIGLIP_WIDTH}
    config = SiglipConfig(
        vision_config=vision or {**blocks, "image_size": 48, "patch_size": 16},
        text_config=text
        or {
            **blocks,
            "vocab_size": 400,
            "max_position_embeddings": SIGLIP_CONTEXT,
            "projection_size": SIGLIP_WIDTH,
            "bos_token_id": 2,
            "eos_token_id": 1,
        },
    )
    picture: Any = config.vision_config
    side = picture.image_size
    processor = SiglipImageProcessor(size={"height": side, "width": side})
    gemma(saved(folder, lambda: SiglipModel(config), processor))
    return folder


def gemma(folder: Path, ends: bool = True) -> None:
    """A tokenizer of Gemma's kind with few words, as SigLIP 2's owners publish theirs: with an end token and without a beginning.

    Args:
        ends: whether it puts the end token behind a text.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces = [*(f"<0x{byte:02X}>" for byte in range(256)), SPACE, *"abcdefghijklmnopqrstuvwxyz.,C"]
    vocabulary = {**SPECIAL, **{piece: len(SPECIAL) + index for index, piece in enumerate(pieces)}}
    vocabulary |= {one + other: len(vocabulary) + index for index, (one, other) in enumerate(MERGES)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=MERGES, fuse_unk=True, unk_token="<unk>", byte_fallback=True))
    made.normalizer = normalizers.Replace(" ", SPACE)
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    if ends:
        made.post_processor = processors.TemplateProcessing(
            single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", SPECIAL["<eos>"])]
        )
    made.save(str(folder / "tokenizer.json"))
    names = {f"{name}_token": f"<{name}>" for name in ("bos", "eos", "pad", "unk")}
    settings = {
        **names,
        "add_bos_token": False,
        "add_eos_token": ends,
        "padding_side": "right",
        "tokenizer_class": "GemmaTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
