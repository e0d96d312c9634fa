"""The text encoder for runs without published weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from humanverse.errors import UserError
from humanverse.training import untrained


def test_the_tokens_are_clips() -> None:
    """The numbers are those of open_clip's own tokenizer."""
    tokens = untrained.tokenizer()("A Woman in a red dress, standing.").input_ids
    assert tokens == [49406, 320, 2308, 530, 320, 736, 2595, 267, 2862, 269, 49407]


def test_words_and_what_stands_beside_them_tell(tmp_path: Path) -> None:
    tokenizer, encoder = untrained.tokenizer(), untrained.text_encoder(16)
    tokens = tokenizer(["a red dress", "a red shirt", "the red dress"], padding=True, return_tensors="pt").input_ids
    with torch.no_grad():
        found = encoder(tokens)[0]
    assert torch.equal(found[0, :3], found[1, :3]) and not torch.allclose(found[0, 3], found[1, 3])
    assert not torch.allclose(found[0, 2], found[2, 2])

    encoder.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with torch.no_grad():
        again = CLIPTextModel.from_pretrained(tmp_path)(tokens)[0]
    assert torch.equal(again, found)
    assert CLIPTokenizer.from_pretrained(tmp_path)("a red dress").input_ids == tokens[0].tolist()


def test_it_is_the_same_each_time() -> None:
    torch.manual_seed(5)
    first = untrained.text_encoder(8).state_dict()
    state = torch.random.get_rng_state()
    second = untrained.text_encoder(8).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_other_widths_are_refused() -> None:
    with pytest.raises(UserError, match="of width 6 cannot be: give a multiple of 4"):
        untrained.text_encoder(6)
