"""Florence-2: the text that its owners' processor and model make of a picture, and the network in full size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from annotators.caption.florence2 import TASKS, Florence2
from annotators.weights import standing_in
from tests.annotators.caption import tiny
from tests.annotators.caption.test_transformers_captioner import PICTURES, captioner, texts
from tests.annotators.tiny import saved


@pytest.mark.parametrize("length", sorted(TASKS))
def test_it_says_what_the_owners_way_of_asking_says(tmp_path: Path, length: str) -> None:
    made = captioner("florence-2", tiny.florence2(tmp_path / "model"), length=length)
    task = TASKS[length]  # type: ignore[index]
    for picture, ours in zip(PICTURES, texts(made), strict=True):
        asked = made.processor(text=task, images=Image.fromarray(picture.rgb), return_tensors="pt")
        with torch.inference_mode():
            answer = made.model.generate(**asked, num_beams=3, do_sample=False, max_new_tokens=8)
        theirs = made.processor.batch_decode(answer, skip_special_tokens=True)[0]
        assert " ".join(theirs.split()) == ours


def test_the_length_is_a_task_in_words(tmp_path: Path) -> None:
    folder = tiny.florence2(tmp_path / "model")
    asked = {}
    for length in TASKS:
        made = captioner("florence-2", folder, length=length)
        tokens = made._beginning.tokens
        assert tokens[:5] == (made.model.config.image_token_id,) * 5
        asked[length] = made.processor.tokenizer.decode(tokens, skip_special_tokens=True)
    assert asked == {
        "sentence": "What does the image describe?",
        "sentences": "Describe in detail what is shown in the image.",
        "paragraph": "Describe with a paragraph what is shown in the image.",
    }


def full(folder: Path) -> Path:
    """Florence-2-large: DaViT at 768, BART-large, and a tokenizer with as many words: 0.77 billion parameters, as its paper
    says."""
    from transformers import (
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
        RobertaTokenizer,
    )

    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "?", ".", *(f"word{number}" for number in range(51282))]
    vocab = {name: number for number, name in enumerate(names)}
    tokenizer = RobertaTokenizer(vocab=vocab, merges=[], extra_special_tokens={"image_token": "<image>"})
    side = {"height": 768, "width": 768}
    processor = Florence2Processor(CLIPImageProcessor(size=side, crop_size=side, image_seq_length=577), tokenizer)
    text = {"model_type": "bart", "vocab_size": len(tokenizer), "max_position_embeddings": 4096}
    widths = [256, 512, 1024, 2048]
    heads = [8, 16, 32, 64]
    vision = {"embed_dim": widths, "num_heads": heads, "num_groups": heads, "projection_dim": 1024}
    ids: dict[str, Any] = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    ids["image_token_id"] = tokenizer.convert_tokens_to_ids("<image>")
    config = Florence2Config(text_config=text, vision_config=vision, **ids)
    return saved(folder, lambda: Florence2ForConditionalGeneration(config), processor)


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    settings = Florence2.Settings(threads=2, max_new_tokens=8)
    made = Florence2(settings, "cpu", standing_in(Florence2.card.weights, full(tmp_path / "model")))
    made.load()
    assert sum(value.numel() for value in made.model.parameters()) / 1e6 == pytest.approx(770, rel=0.01)
    assert len(texts(made, PICTURES[:1])) == 1
