"""BLIP: the text that its owners' processor and model make of a picture, and the network in full size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from annotators.caption.blip import Blip
from annotators.weights import standing_in
from tests.annotators.caption import tiny
from tests.annotators.caption.test_transformers_captioner import PICTURES, captioner, texts
from tests.annotators.tiny import saved


@pytest.mark.parametrize("prompt", ["", "a photo of"])
def test_it_says_what_the_owners_way_of_asking_says(tmp_path: Path, prompt: str) -> None:
    made = captioner("blip", tiny.blip(tmp_path / "model"), prompt=prompt)
    for picture, ours in zip(PICTURES, texts(made), strict=True):
        image = Image.fromarray(picture.rgb)
        asked = made.processor(images=image, **({"text": prompt} if prompt else {}), return_tensors="pt")
        with torch.inference_mode():
            answer = made.model.generate(**asked, num_beams=3, max_new_tokens=8)
        theirs = made.processor.decode(answer[0], skip_special_tokens=True)
        assert theirs.startswith(prompt) and theirs.removeprefix(prompt).strip() == ours


def test_a_folder_in_the_files_of_its_time_says_the_same(tmp_path: Path) -> None:
    folder = tiny.blip(tmp_path / "model")
    today = texts(captioner("blip", folder, prompt="a photo of"))
    tiny.as_first_published(folder, tokenizer_class="BertTokenizer", do_lower_case=True)
    assert not (folder / "tokenizer.json").exists()
    assert texts(captioner("blip", folder, prompt="a photo of")) == today


def full(folder: Path) -> Path:
    """BLIP's large captioner: ViT-L/16 at 384, BERT of twelve layers, and a tokenizer with as many words. The 470 million that
    its file is said to have count those for words twice, on the way in and on the way out."""
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    names = ["[PAD]", *(f"unused{number}" for number in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    names += [f"word{number}" for number in range(30522 - len(names))]
    vision: dict[str, Any] = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 384,
    }
    text = {"encoder_hidden_size": 1024, "num_attention_heads": 12, "vocab_size": 30524}
    tokenizer = BertTokenizer(vocab={name: number for number, name in enumerate(names)})
    return saved(
        folder,
        lambda: BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision)),
        BlipProcessor(BlipImageProcessor(), tokenizer),
    )


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    made = Blip(Blip.Settings(threads=2), "cpu", standing_in(Blip.card.weights, full(tmp_path / "model")))
    made.load()
    assert sum(value.numel() for value in made.model.parameters()) / 1e6 == pytest.approx(446.3, abs=0.1)
    (text,) = texts(made, PICTURES[:1])
    assert 0 < len(text.split()) <= 30
