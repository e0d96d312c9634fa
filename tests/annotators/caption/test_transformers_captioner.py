"""Captions of BLIP, BLIP-2 and Florence-2: through ``annotate`` on photographs, whatever the batch, with clean texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from annotators import registry
from annotators.base import Picture
from annotators.cache import WeightError
from annotators.caption.transformers_captioner import TransformersCaptioner
from annotators.run import Runner
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from tests.annotators.added import holds, photographs_here
from tests.annotators.caption import tiny

TINY: dict[str, Callable[[Path], Path]] = {"blip": tiny.blip, "blip-2": tiny.blip2, "florence-2": tiny.florence2}
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@pytest.fixture(scope="module", params=sorted(TINY))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An annotator's name, and a folder with a tiny model for it."""
    name: str = request.param
    return name, TINY[name](tmp_path_factory.mktemp(name) / "tiny")


def captioner(name: str, folder: Path, **settings: Any) -> TransformersCaptioner:
    """Loaded; its captions are short if nothing else is said."""
    found = registry.get("caption", name)
    chosen = found.Settings(**{"max_new_tokens": 8, **settings})
    made = found(chosen, "cpu", standing_in(found.card.weights, folder))
    made.load()
    assert isinstance(made, TransformersCaptioner)
    return made


def picture(seed: int, height: int = 120, width: int = 160) -> Picture:
    """Soft patches of colour."""
    patches = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return Picture(f"{seed:032x}", encode_jpeg(cv2.resize(patches, (width, height)), 95))


PICTURES = tuple(picture(seed, 60 + 20 * seed, 160) for seed in range(9))


def texts(made: TransformersCaptioner, pictures: Sequence[Picture] = PICTURES) -> list[str]:
    rows = made.annotate(pictures, {})
    assert all(isinstance(row, dict) for row in rows)
    return [row["text"] for row in rows if isinstance(row, dict)]


@needs_photographs
def test_rows_on_photographs(model: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = model
    for one in holds(tmp_path, "caption", name, [folder], max_new_tokens=6).values():
        assert (one.row["language"], one.row["method"]) == ("en", name)
        assert one.row["text"] == one.row["text"].strip() != ""


@pytest.mark.parametrize("beams", [1, 3])
def test_texts_do_not_depend_on_the_batch(model: tuple[str, Path], beams: int) -> None:
    alone, together = (texts(captioner(*model, beams=beams, batch_size=size)) for size in (1, 8))
    assert alone == together and len(set(alone)) > 3


class Watched:
    """A model whose questions and answers are counted.

    Attributes:
        pictures: in each batch.
        tokens: in the longest answer to each batch.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.pictures, self.tokens = model, list[int](), list[int]()

    def generate(self, **given: Any) -> torch.Tensor:
        answers: torch.Tensor = self.model.generate(**given)
        self.pictures.append(len(given["pixel_values"]))
        self.tokens.append(answers.shape[1])
        return answers


def test_pictures_really_go_together(model: tuple[str, Path]) -> None:
    made = captioner(*model, batch_size=8)
    made.model = Watched(made.model)
    made.annotate(PICTURES, {})
    assert made.model.pictures == [8, 1]


def test_a_caption_is_cut_off_where_it_is_asked_to_be(model: tuple[str, Path]) -> None:
    lengths = []
    for count in (2, 5):
        made = captioner(*model, batch_size=8, max_new_tokens=count)
        made.model = Watched(made.model)
        made.annotate(PICTURES[:8], {})
        lengths += made.model.tokens
    assert lengths[1] - lengths[0] == 3


def test_the_length_and_search_that_lie_beside_a_model_do_not_count(
    model: tuple[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name, folder = model
    other = TINY[name](tmp_path / "short")
    for file, part in (("generation_config.json", None), ("config.json", "text_config")):
        told = json.loads((other / file).read_text())
        (told[part] if part else told).update(
            {"max_length": 3, "num_beams": 4, "do_sample": True, "top_k": 5, "temperature": 0.7}
        )
        (other / file).write_text(json.dumps(told))
    made = captioner(name, other, beams=1)
    capfd.readouterr()
    said = texts(made)
    assert capfd.readouterr().err == ""
    assert said == texts(captioner(name, folder, beams=1))


def test_sixteen_bits_will_do(model: tuple[str, Path]) -> None:
    assert any(texts(captioner(*model, dtype="bfloat16")))


def test_compiling_changes_nothing(model: tuple[str, Path]) -> None:
    assert texts(captioner(*model, compile=True), PICTURES[:2]) == texts(captioner(*model), PICTURES[:2])


def answering(made: TransformersCaptioner, *answers: Sequence[int]) -> TransformersCaptioner:
    """``made`` with a model that answers with these tokens, after those that it was given and repeats."""
    repeated = list(made._beginning.tokens[: made._beginning.echoed])

    def generate(**given: Any) -> torch.Tensor:
        assert len(given["input_ids"]) == len(given["attention_mask"]) == len(answers)
        return torch.tensor([[*repeated, *answer] for answer in answers])

    made.model = SimpleNamespace(generate=generate)
    return made


def test_texts_are_without_special_tokens_prompt_and_stray_spaces(model: tuple[str, Path]) -> None:
    name, folder = model
    settings = {} if name == "florence-2" else {"prompt": "a photo of"}
    made = captioner(name, folder, batch_size=2, **settings)
    tokenizer = made.processor.tokenizer
    words = {
        text: tokenizer(text, add_special_tokens=False).input_ids for text in ("a man", "two people in the street")
    }
    end = tokenizer.sep_token_id if name == "blip" else tokenizer.eos_token_id
    longest = max(map(len, words.values())) + 1
    rows = [ids + [end] + [tokenizer.pad_token_id] * (longest - 1 - len(ids)) for ids in words.values()]
    assert texts(answering(made, *rows), PICTURES[:2]) == list(words)
    if name != "blip":
        spaced = tokenizer(" \n a \n man \n", add_special_tokens=False).input_ids
        assert texts(answering(made, spaced), PICTURES[:1]) == ["a man"]


def test_an_empty_caption_is_a_failed_row_and_its_neighbour_is_kept(model: tuple[str, Path]) -> None:
    made = captioner(*model, batch_size=2)
    tokenizer = made.processor.tokenizer
    words = tokenizer("a man", add_special_tokens=False).input_ids
    answering(made, words, [tokenizer.pad_token_id] * len(words))
    good, empty = Runner(made).table(PICTURES[:2], {}).to_pylist()
    assert (good["status"], good["text"]) == ("ok", "a man")
    assert (empty["status"], empty["text"]) == ("failed", None) and "has a text without a word" in empty["reason"]


def test_another_kind_of_model_is_refused_in_one_line(model: tuple[str, Path], tmp_path: Path) -> None:
    name, _ = model
    other = tiny.blip2(tmp_path / "other") if name != "blip-2" else tiny.blip(tmp_path / "other")
    with pytest.raises(WeightError, match=r"other holds a blip(-2)? model, not"):
        captioner(name, other)


def test_what_goes_into_the_fingerprint(model: tuple[str, Path]) -> None:
    name, folder = model
    found = registry.get("caption", name)

    def fingerprint(**settings: Any) -> str:
        made = found(found.Settings(**settings), "cpu", standing_in(found.card.weights, folder))
        return str(made.provenance({})["fingerprint"])

    usual = fingerprint()
    assert usual == fingerprint(batch_size=8, compile=True)
    own = {"length": "paragraph"} if name == "florence-2" else {"prompt": "a photo of"}
    assert len({usual, fingerprint(beams=2), fingerprint(max_new_tokens=7), fingerprint(**own)}) == 4
