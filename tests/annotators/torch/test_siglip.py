"""SigLIP's towers and SigLIP 2's texts: lower case, an end token, padding behind, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.cache import WeightError
from annotators.torch import siglip
from annotators.torch.siglip import Siglip2Texts, SiglipImages
from tests.annotators import tiny_towers
from tests.annotators.tiny_towers import SIGLIP_CONTEXT, SIGLIP_WIDTH, SPECIAL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_towers.siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture
def texts(folder: Path) -> Siglip2Texts:
    return Siglip2Texts(folder, SIGLIP_CONTEXT)


def test_texts_are_in_lower_case_with_an_end_and_padded_behind(folder: Path, texts: Siglip2Texts) -> None:
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    found = texts.tokens("Cat dog")
    wanted = [vocabulary[piece] for piece in ("cat", tiny_towers.SPACE, "dog")] + [SPECIAL["<eos>"]]
    assert found.ids.tolist() == wanted + [SPECIAL["<pad>"]] * (SIGLIP_CONTEXT - len(wanted))
    assert found.ids.dtype == torch.int64 and not found.truncated
    assert texts.tokens("CAT DOG").ids.tolist() == found.ids.tolist()


@pytest.mark.parametrize(("words", "truncated"), [(8, False), (9, True), (100, True)])
def test_a_text_that_is_too_long_keeps_its_end_token(texts: Siglip2Texts, words: int, truncated: bool) -> None:
    found = texts.tokens(" ".join(["dog"] * words))
    assert found.truncated == truncated and len(found.ids) == SIGLIP_CONTEXT
    assert found.ids.tolist()[-1] == SPECIAL["<eos>"]


def test_a_text_that_is_too_long_is_not_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Which the library does where its settings know the length, once for every worker."""
    tiny_towers.gemma(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": SIGLIP_CONTEXT}))
    texts = Siglip2Texts(tmp_path, SIGLIP_CONTEXT)
    with caplog.at_level("WARNING"), _heard_by_all():
        assert texts.tokens("dog " * 100).truncated
    assert caplog.records == []


@contextmanager
def _heard_by_all() -> Iterator[None]:
    """What transformers logs reaches other handlers than its own."""
    from transformers.utils import logging

    logging.enable_propagation()
    try:
        yield
    finally:
        logging.disable_propagation()


def test_both_towers_are_those_of_the_model(folder: Path) -> None:
    from transformers import SiglipModel

    found = siglip.pair(folder)
    model = SiglipModel.from_pretrained(folder).eval()
    pictures = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    ids = torch.stack([found.texts.tokens(text).ids for text in ("a dog", "two cats")])
    with torch.inference_mode():
        one, other = found.model.eval()(pictures, ids)
        whole = model(input_ids=ids, pixel_values=pictures)
    torch.testing.assert_close(one / one.norm(dim=-1, keepdim=True), whole.image_embeds)
    torch.testing.assert_close(other / other.norm(dim=-1, keepdim=True), whole.text_embeds)


def test_pictures_are_resized_whole_to_values_around_0(folder: Path) -> None:
    images = SiglipImages.of(folder)
    rgb = np.zeros((60, 200, 3), np.uint8)
    rgb[:, 100:] = 255
    found = images.input(rgb)
    assert found.shape == (3, 48, 48)
    np.testing.assert_allclose(found[:, :, :20], -1, atol=1e-6)
    np.testing.assert_allclose(found[:, :, -20:], 1, atol=1e-6)


def test_the_width_is_known_without_loading(folder: Path, tmp_path: Path) -> None:
    assert siglip.width(folder) == SIGLIP_WIDTH
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip", "vision_config": {"image_size": 256}}))
    from transformers import SiglipConfig

    theirs: Any = SiglipConfig.from_pretrained(tmp_path).vision_config
    assert siglip.width(tmp_path) == theirs.hidden_size


def test_what_is_no_siglip_2_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match=r"has no tokenizer\.json"):
        Siglip2Texts(tmp_path, SIGLIP_CONTEXT)
    tiny_towers.gemma(tmp_path, ends=False)
    with pytest.raises(WeightError, match="puts no end token behind a text"):
        Siglip2Texts(tmp_path, SIGLIP_CONTEXT)
    for text in ("[]", "{", '{"vision_config": {"hidden_size": "wide"}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(WeightError, match=r"has no config\.json of a model") as told:
            siglip.width(tmp_path)
        assert "\n" not in str(told.value)
