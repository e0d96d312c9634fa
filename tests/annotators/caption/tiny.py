"""Tiny captioners with random weights, with real processors and with tokenizers made here, as their owners save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.annotators.tiny import saved

WORDS = (
    "a",
    "photo",
    "of",
    "man",
    "woman",
    "two",
    "people",
    "dog",
    "red",
    "street",
    "in",
    "the",
    "with",
    "on",
    "sitting",
    ".",
)
TEXTS = ("a man and a woman in the street with a red dog.\n", "two people standing on a photo of a street.\n")


def word_tokenizer() -> Any:
    """BERT's, of whole words."""
    from transformers import BertTokenizer

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    return BertTokenizer(vocab={name: number for number, name in enumerate(names)})


def byte_tokenizer(kind: str, size: int = 340, words: int = 0, **special: Any) -> Any:
    """One of the tokenizers with byte pairs, trained on ``TEXTS``.

    Args:
        kind: name of its class in transformers.
        size: of its vocabulary, at most.
        words: more entries, which no text is split into: so that each number of a large model stands for something.
        special: for the class.
    """
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    trained.train_from_iterator(TEXTS, trainer)
    found = json.loads(trained.to_str())["model"]
    pairs = [tuple(pair) for pair in found["merges"]]
    more = {f"word{number}": len(found["vocab"]) + number for number in range(words)}
    return getattr(transformers, kind)(vocab={**found["vocab"], **more}, merges=pairs, **special)


def blip_sizes(width: int, heads: int, layers: int) -> dict[str, Any]:
    """Of one of BLIP's transformers."""
    return {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }


def blip(folder: Path) -> Path:
    """BLIP with two blocks of 32 on either side; it looks at pictures of 48 x 48. [SEP] ends a caption, as in the published one,
    and is made unlikely, so that no caption is empty by chance."""
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    tokenizer = word_tokenizer()
    text = {
        **blip_sizes(32, 2, 2),
        "vocab_size": len(tokenizer) + 2,
        "encoder_hidden_size": 32,
        "max_position_embeddings": 64,
        "bos_token_id": len(tokenizer),
        "eos_token_id": 2,
        "pad_token_id": 0,
        "sep_token_id": tokenizer.sep_token_id,
        "initializer_range": 0.5,
    }
    vision = {**blip_sizes(32, 2, 2), "image_size": 48, "patch_size": 16, "initializer_range": 0.5}
    processor = BlipProcessor(BlipImageProcessor(size={"height": 48, "width": 48}), tokenizer)

    def make() -> Any:
        model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
        model.text_decoder.cls.predictions.bias.data[tokenizer.sep_token_id] = -4
        return model

    return saved(folder, make, processor)


def blip2_language(tokenizer: Any) -> dict[str, Any]:
    """A tiny OPT; a line break ends a caption, as in the published one."""
    return {
        "model_type": "opt",
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "num_hidden_layers": 2,
        "ffn_dim": 64,
        "num_attention_heads": 2,
        "max_position_embeddings": 96,
        "init_std": 0.5,
        "vocab_size": len(tokenizer),
        "bos_token_id": 2,
        "pad_token_id": 1,
        "eos_token_id": tokenizer("\n", add_special_tokens=False).input_ids[-1],
    }


def t5_language(tokenizer: Any) -> dict[str, Any]:
    """A tiny T5, which reads a prompt and answers."""
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    return {"model_type": "t5", "vocab_size": len(tokenizer), "decoder_start_token_id": 1, **sizes}


def blip2(folder: Path, language: Any = blip2_language) -> Path:
    """BLIP-2 with two blocks of 32 in each of its three parts, and four queries; it looks at pictures of 56 x 56."""
    from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessor

    special: dict[str, Any] = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "</s>"}
    tokenizer = byte_tokenizer("GPT2Tokenizer", **special)
    processor = Blip2Processor(BlipImageProcessor(size={"height": 56, "width": 56}), tokenizer, num_query_tokens=4)
    config = Blip2Config(
        vision_config={**blip_sizes(32, 2, 2), "image_size": 56, "patch_size": 14, "initializer_range": 0.5},
        qformer_config={**blip_sizes(32, 2, 2), "initializer_range": 0.5},
        text_config=language(tokenizer),
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        initializer_range=0.5,
    )
    return saved(folder, lambda: Blip2ForConditionalGeneration(config), processor)


def florence2(folder: Path) -> Path:
    """Florence-2 with one block in each of four stages and a BART of two; it looks at pictures of 64 x 64, as five tokens."""
    from transformers import CLIPImageProcessor, Florence2Config, Florence2ForConditionalGeneration, Florence2Processor

    tokenizer = byte_tokenizer("RobertaTokenizer", extra_special_tokens={"image_token": "<image>"})
    side = {"height": 64, "width": 64}
    images = CLIPImageProcessor(size=side, crop_size=side, do_center_crop=False, image_seq_length=5)
    ids: dict[str, Any] = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    text = {
        "model_type": "bart",
        "vocab_size": len(tokenizer),
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "max_position_embeddings": 128,
        "init_std": 0.5,
        "forced_eos_token_id": 2,
        **ids,
    }
    vision = {
        "depths": [1, 1, 1, 1],
        "embed_dim": [8, 16, 16, 32],
        "num_heads": [1, 2, 2, 4],
        "num_groups": [1, 2, 2, 4],
        "window_size": 4,
        "projection_dim": 32,
        "initializer_range": 0.5,
    }
    config = Florence2Config(
        text_config=text,
        vision_config=vision,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        **ids,
    )
    return saved(folder, lambda: Florence2ForConditionalGeneration(config), Florence2Processor(images, tokenizer))


_PART = "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% for part in message.content %}" + _PART + "{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A chat template of Qwen's form."""
QWEN_TOKENS = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")


def qwen_tokenizer(words: int = 0) -> Any:
    special: dict[str, Any] = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = byte_tokenizer("Qwen2Tokenizer", words=words, **special)
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in QWEN_TOKENS]})
    return tokenizer


def qwen_ids(tokenizer: Any) -> dict[str, Any]:
    """Which tokens stand for pictures."""
    names = {
        "image_token_id": "image_pad",
        "video_token_id": "video_pad",
        "vision_start_token_id": "vision_start",
        "vision_end_token_id": "vision_end",
    }
    return {key: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in names.items()}


def qwen_processor(tokenizer: Any) -> Any:
    """As Qwen3-VL's: a token shows 32 x 32 pixels."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    middle: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "patch_size": 16, "merge_size": 2}
    size = {"shortest_edge": 65536, "longest_edge": 16777216}
    images = Qwen2VLImageProcessor(size=size, temporal_patch_size=2, **middle)
    return Qwen3VLProcessor(images, tokenizer, Qwen3VLVideoProcessor(**middle), chat_template=CHAT)


def qwen_vl(folder: Path) -> Path:
    """Qwen3-VL with two blocks of 32 on either side, the second of which adds what the first of the picture's says.
    Its special tokens are made unlikely, so that no caption is empty by chance."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer = qwen_tokenizer()
    ids = qwen_ids(tokenizer)
    text = {
        **blip_sizes(32, 2, 2),
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": len(tokenizer),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [4, 2, 2],
            "mrope_interleaved": True,
        },
        "initializer_range": 0.5,
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
        "initializer_range": 0.5,
    }
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        **ids,
    )

    def make() -> Any:
        model = Qwen3VLForConditionalGeneration(config)
        model.lm_head.weight.data[tokenizer.all_special_ids] *= 0.1
        return model

    return saved(folder, make, qwen_processor(tokenizer))


def as_first_published(folder: Path, **beside: Any) -> Path:
    """The same model and processor in the files that transformers wrote when BLIP and BLIP-2 came out: the vocabulary as plain
    lists, and the processor's two parts apart.

    Args:
        folder: as ``save_pretrained`` writes it today; it is changed.
        beside: of the tokenizer's settings.
    """
    today = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("tokenizer", "processor_config")}
    for name in (*today, "generation_config"):
        (folder / f"{name}.json").unlink()
    found = today["tokenizer"]["model"]
    if "merges" in found:
        (folder / "vocab.json").write_text(json.dumps(found["vocab"]))
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in found["merges"])]))
    else:
        (folder / "vocab.txt").write_text("\n".join(sorted(found["vocab"], key=found["vocab"].__getitem__)))
    parts = today["processor_config"]
    kind = {"processor_class": parts["processor_class"]}
    (folder / "preprocessor_config.json").write_text(json.dumps(parts["image_processor"] | kind))
    (folder / "tokenizer_config.json").write_text(json.dumps(beside | kind))
    if "num_query_tokens" in parts:
        rest = {key: value for key, value in parts.items() if key != "image_processor"}
        (folder / "processor_config.json").write_text(json.dumps(rest))
    return folder


def qwen_full() -> dict[str, Any]:
    """The configuration of Qwen3-VL-4B-Instruct."""
    text = {
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "max_position_embeddings": 262144,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5000000.0,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    }
    vision = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "out_hidden_size": 2560,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    return {"text_config": text, "vision_config": vision, "tie_word_embeddings": True}
