"""BLIP-2: the text that its owners' model makes of a picture, which language models it takes, and the network's true widths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from annotators.cache import WeightError
from annotators.caption.blip2 import Blip2
from tests.annotators.caption import tiny
from tests.annotators.caption.test_transformers_captioner import PICTURES, answering, captioner, texts


@pytest.mark.parametrize("prompt", ["", "a photo of", "Question: who? Answer:"])
def test_it_says_what_the_owners_way_of_asking_says(tmp_path: Path, prompt: str) -> None:
    """The published tokenizer puts ``</s>`` before each text by itself."""
    made = captioner("blip-2", tiny.blip2(tmp_path / "model"), prompt=prompt)
    for picture, ours in zip(PICTURES, texts(made), strict=True):
        image = Image.fromarray(picture.rgb)
        text = {"text": f"</s>{prompt}"} if prompt else {}
        asked = made.processor(images=image, **text, return_tensors="pt")
        with torch.inference_mode():
            answer = made.model.generate(**asked, num_beams=5, max_new_tokens=8)
        theirs = made.processor.decode(answer[0], skip_special_tokens=True)
        assert theirs.startswith(prompt) and " ".join(theirs.removeprefix(prompt).split()) == ours


def test_five_beams_if_nothing_is_said_as_in_the_owners_code() -> None:
    assert Blip2.Settings().model_dump()["beams"] == 5


def test_a_line_break_ends_a_caption(tmp_path: Path) -> None:
    made = captioner("blip-2", tiny.blip2(tmp_path / "model"), beams=1)
    tokenizer = made.processor.tokenizer
    (line_break,) = tokenizer("\n", add_special_tokens=False).input_ids
    assert made.model.language_model.generation_config.eos_token_id == line_break
    words = tokenizer("a man", add_special_tokens=False).input_ids
    assert texts(answering(made, [*words, line_break, tokenizer.pad_token_id]), PICTURES[:1]) == ["a man"]


def test_a_language_model_that_does_not_go_on_from_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match=r"needs a model that goes on from a text.* this one holds t5: give weights"):
        captioner("blip-2", tiny.blip2(tmp_path / "model", tiny.t5_language))


def test_a_configuration_without_the_pictures_token_is_refused(tmp_path: Path) -> None:
    folder = tiny.blip2(tmp_path / "model")
    told = json.loads((folder / "config.json").read_text())
    del told["image_token_index"]
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(WeightError, match=r"needs image_token_index in the model's config.json: take a later revision"):
        captioner("blip-2", folder)


def test_a_folder_in_the_files_of_its_time_says_the_same(tmp_path: Path) -> None:
    """Then the tokenizer puts ``</s>`` before each text by itself, and it must not be there twice."""
    folder = tiny.blip2(tmp_path / "model")
    today = texts(captioner("blip-2", folder, prompt="a photo of"))
    special = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "</s>"}
    tiny.as_first_published(folder, tokenizer_class="GPT2Tokenizer", add_bos_token=True, **special)
    made = captioner("blip-2", folder, prompt="a photo of")
    assert made._beginning.tokens.count(2) == 1 == made.processor.tokenizer("a photo of").input_ids.count(2)
    assert texts(made) == today


def published(layers: int | None) -> Any:
    """The configuration of blip2-opt-2.7b, with as many layers in its vision and language models, or all of them."""
    from transformers import Blip2Config

    text = {
        "model_type": "opt",
        "hidden_size": 2560,
        "word_embed_proj_dim": 2560,
        "ffn_dim": 10240,
        "num_attention_heads": 32,
        "num_hidden_layers": layers or 32,
        "vocab_size": 50304,
        "bos_token_id": 2,
        "pad_token_id": 1,
        "eos_token_id": 50118,
    }
    vision = {"num_hidden_layers": layers or 39, "initializer_range": 0.02}
    return Blip2Config(vision_config=vision, text_config=text, num_query_tokens=32, image_token_index=50265)


def test_the_published_network_has_as_many_parameters_as_its_owners_say() -> None:
    from transformers import Blip2ForConditionalGeneration

    with torch.device("meta"):
        network = Blip2ForConditionalGeneration(published(None))
    assert sum(value.numel() for value in network.parameters()) / 1e9 == pytest.approx(3.745, rel=0.005)
