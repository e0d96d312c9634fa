"""Where the parts of a run come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.texts import states
from humanverse.training import parts
from humanverse.training.settings import ModelSettings
from tests.humanverse.models import tiny as models


def test_loading_shows_no_bars(tmp_path: Path) -> None:
    from transformers.utils import logging

    def shown(folder: Path) -> bool:
        return bool(logging.is_progress_bar_enabled())

    assert parts.loaded(shown, tmp_path) is False


def test_any_encoder_of_transformers_can_be_the_text_encoder(tmp_path: Path) -> None:
    """One like a sentence model's: BERT, with a tokenizer that does not say how long texts may be."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=16,
    )  # fmt: skip
    made = models.seeded(lambda: BertModel(config)).eval()
    made.save_pretrained(tmp_path)
    _tokenizer(tmp_path)
    encoder, tokenizer = parts.text_of(ModelSettings(text=str(tmp_path)))
    assert tokenizer.model_max_length == 16
    tokens = tokenizer(["one person"], return_tensors="pt").input_ids
    assert tokens.tolist() == [[2, 6, 5, 3]]
    with torch.no_grad():
        assert torch.equal(encoder(tokens)[0], made(tokens)[0])


def _tokenizer(folder: Path, **more: Any) -> None:
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "person", "one"]
    BertTokenizer(vocab={word: number for number, word in enumerate(words)}, **more).save_pretrained(folder)


def test_an_encoder_without_positions_has_the_tokenizer_s_length(tmp_path: Path) -> None:
    from transformers import XLNetConfig, XLNetModel

    config = XLNetConfig(vocab_size=7, d_model=8, n_layer=1, n_head=2, d_inner=8)
    models.seeded(lambda: XLNetModel(config)).save_pretrained(tmp_path)
    _tokenizer(tmp_path)
    with pytest.raises(
        UserError, match="does not say how long texts may be: write model_max_length, 77 for example, to"
    ):
        parts.text_of(ModelSettings(text=str(tmp_path)))
    _tokenizer(tmp_path, model_max_length=12)
    encoder, tokenizer = parts.text_of(ModelSettings(text=str(tmp_path)))
    assert states(encoder, tokenizer, ["one person"], "cpu").shape == (1, 12, 8)


def test_an_encoder_with_a_decoder_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=7, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    models.seeded(lambda: T5Model(config)).save_pretrained(tmp_path)
    _tokenizer(tmp_path)
    with pytest.raises(UserError, match="holds a T5Model, an encoder with a decoder: give an encoder alone"):
        parts.text_of(ModelSettings(text=str(tmp_path)))


def test_both_encoders_of_a_pipeline(tmp_path: Path) -> None:
    for name, part in {
        "text_encoder": models.text_encoder(4),
        "tokenizer": models.tokenizer(),
        "text_encoder_2": models.text_encoder(8, 6),
        "tokenizer_2": models.tokenizer(),
    }.items():
        part.save_pretrained(tmp_path / name)
    first, _ = parts.text_of(ModelSettings(base=str(tmp_path)))
    second, _ = parts.text_of(ModelSettings(base=str(tmp_path)), second=True)
    assert (first.config.hidden_size, second.text_projection.out_features) == (4, 6)


def test_a_vae_in_a_folder(tmp_path: Path) -> None:
    models.vae().save_pretrained(tmp_path / "vae")
    for settings in (ModelSettings(base=str(tmp_path)), ModelSettings(vae=str(tmp_path / "vae"))):
        loaded = parts.vae_of(settings)
        assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in models.vae().state_dict().items())


def test_what_is_no_part_is_told(tmp_path: Path) -> None:
    models.unet().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="holds a UNet2DConditionModel: a VAE can be AutoencoderKL or PatchVae"):
        parts.vae_of(ModelSettings(vae=str(tmp_path)))
    with pytest.raises(UserError, match=r"model\.unet cannot be built"):
        parts.unet_of(ModelSettings(unet={"block_out_channels": [3]}), 4, 8)
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"nothing")
    (tmp_path / "unet").mkdir()
    for file in ("config.json", "diffusion_pytorch_model.safetensors"):
        (tmp_path / file).rename(tmp_path / "unet" / file)
    with pytest.raises(UserError, match="unet cannot be loaded"):
        parts.unet_of(ModelSettings(base=str(tmp_path)), 4, 12)


@pytest.mark.parametrize("name", ["tiny", "tiny-xl"])
def test_small_backbones_can_be_built(name: str) -> None:
    more = {"projection_class_embeddings_input_dim": 6 * 32 + 16} if name == "tiny-xl" else {}
    with torch.device("meta"):
        unet = parts.unet_of(ModelSettings(unet=name), 48, 128, more)
    assert unet.config.in_channels == unet.config.out_channels == 48
    assert sum(weight.numel() for weight in unet.parameters()) < 40_000_000
