"""Qwen-VL: what it is asked, how pictures go together, and the network's true widths."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from annotators.cache import WeightError
from annotators.caption.qwen_vl import LANGUAGES, STYLES, QwenVl, QwenVlSettings, question
from annotators.run import Runner
from humanverse.dataset.reader import Dataset
from tests.annotators.added import PHOTOGRAPHS, add, holds, place_of
from tests.annotators.caption import tiny
from tests.annotators.caption.test_transformers_captioner import PICTURES, captioner, needs_photographs, picture, texts

SIZES = ((60, 160), (400, 90), (200, 200), (64, 640), (333, 222), (60, 160), (97, 101), (300, 300), (31, 40))
MIXED = tuple(picture(seed, height, width) for seed, (height, width) in enumerate(SIZES))
"""Nine pictures, of which two have one size."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.qwen_vl(tmp_path_factory.mktemp("qwen") / "tiny")


def asking(folder: Path, **settings: Any) -> QwenVl:
    """Loaded; it shows the model small pictures, if nothing else is said."""
    made = captioner("qwen-vl", folder, **{"min_pixels": 4096, "max_pixels": 32768, **settings})
    assert isinstance(made, QwenVl)
    return made


@needs_photographs
def test_rows_on_photographs(folder: Path, tmp_path: Path) -> None:
    rows = holds(tmp_path, "caption", "qwen-vl", [folder], max_new_tokens=5, min_pixels=4096, max_pixels=16384)
    for one in rows.values():
        assert (one.row["language"], one.row["method"]) == ("en", "qwen-vl")
        assert one.row["text"] == one.row["text"].strip() != ""


@needs_photographs
def test_styles_and_languages_stand_beside_each_other(folder: Path, tmp_path: Path) -> None:
    place = place_of(tmp_path, PHOTOGRAPHS[:3])
    small = {"max_new_tokens": 5, "min_pixels": 4096, "max_pixels": 16384}
    tags = add(place, "caption", "qwen-vl", "tags", [folder], style="tags", **small)
    german = add(place, "caption", "qwen-vl", "german", [folder], language="de", **small)
    assert {layer for layer in Dataset(str(place)).layers() if layer.startswith("caption/")} == {
        "caption/tags",
        "caption/german",
    }
    assert tags.keys() == german.keys() and any(tags[uid].row["text"] != german[uid].row["text"] for uid in tags)
    for rows, language in ((tags, "en"), (german, "de")):
        assert {one.row["language"] for one in rows.values()} == {language}
    card = Dataset(str(place)).layer_card("caption/german")
    assert card["settings"]["language"] == "de" and card["asked"]["settings"]["language"] == "de"


@pytest.mark.parametrize("beams", [1, 3])
def test_texts_do_not_depend_on_the_batch(folder: Path, beams: int) -> None:
    alone, together = (texts(asking(folder, beams=beams, batch_size=size), MIXED) for size in (1, 8))
    assert alone == together and len(set(alone)) > 5


class Given:
    """A model that keeps what it is asked."""

    def __init__(self, model: Any) -> None:
        self.model, self.given = model, list[dict[str, Any]]()

    def generate(self, **given: Any) -> torch.Tensor:
        self.given.append(given)
        answers: torch.Tensor = self.model.generate(**given)
        return answers


def test_pictures_of_any_size_go_together_padded_on_the_left(folder: Path) -> None:
    made = asking(folder, batch_size=8)
    made.model = Given(made.model)
    made.annotate(MIXED, {})
    first, second = made.model.given
    assert (len(first["input_ids"]), len(second["input_ids"])) == (8, 1)
    lengths = first["attention_mask"].sum(dim=1).tolist()
    width, pad = first["input_ids"].shape[1], made.processor.tokenizer.pad_token_id
    assert len(set(lengths)) > 3 and max(lengths) == width
    for tokens, mask, length in zip(first["input_ids"], first["attention_mask"], lengths, strict=True):
        assert tokens[: width - length].tolist() == [pad] * (width - length) and not mask[: width - length].any()
        assert mask[width - length :].all() and tokens[-1] == first["input_ids"][0, -1]
    assert (second["attention_mask"] == 1).all()


def test_a_budget_of_pixels_bounds_a_batch_by_the_largest_that_its_pictures_may_be(folder: Path) -> None:
    made = asking(folder, batch_size=8, max_pixels=10_000, pixel_budget=30_000)
    made.model = Given(made.model)
    made.annotate(MIXED, {})
    assert [len(given["input_ids"]) for given in made.model.given] == [3, 3, 3]


@pytest.mark.parametrize("settings", [{}, {"style": "tags", "language": "fr"}, {"prompt": "Who sits?"}])
def test_it_says_what_the_owners_way_of_asking_says(folder: Path, settings: dict[str, Any]) -> None:
    made = asking(folder, **settings)
    asked = question(made.settings)
    size = {"shortest_edge": 4096, "longest_edge": 32768}
    for one, ours in zip(PICTURES[:4], texts(made, PICTURES[:4]), strict=True):
        content = [{"type": "image", "image": Image.fromarray(one.rgb)}, {"type": "text", "text": asked}]
        given = made.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"images_kwargs": {"size": size}},
        )
        with torch.inference_mode():
            answer = made.model.generate(**given, max_new_tokens=8, do_sample=False)
        theirs = made.processor.batch_decode(answer[:, given["input_ids"].shape[1] :], skip_special_tokens=True)[0]
        assert " ".join(theirs.split()) == ours


def test_what_it_is_asked() -> None:
    assert question(QwenVlSettings(style="sentence")) == "Describe this picture in one sentence. Answer in English."
    assert question(QwenVlSettings(style="tags", language="ja")).endswith("and nothing else. Answer in Japanese.")
    assert question(QwenVlSettings(language="gsw-CH")).endswith("Answer in the language with the tag gsw-CH.")
    assert question(QwenVlSettings(prompt="Wer sitzt?", language="de")) == "Wer sitzt?"
    asked = {question(QwenVlSettings(style=style, language=language)) for style in STYLES for language in LANGUAGES}
    assert len(asked) == len(STYLES) * len(LANGUAGES)


def test_the_question_and_the_end_of_an_answer_are_no_part_of_a_caption(folder: Path) -> None:
    made = asking(folder, batch_size=2)
    tokenizer = made.processor.tokenizer
    said = {text: tokenizer(text).input_ids for text in ("a man", "two people in the street.")}
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    longest = max(map(len, said.values())) + 1
    rows = [ids + [end] + [tokenizer.pad_token_id] * (longest - 1 - len(ids)) for ids in said.values()]

    def generate(**given: Any) -> torch.Tensor:
        return torch.cat([given["input_ids"], torch.tensor(rows)], dim=1)

    made.model = SimpleNamespace(generate=generate)
    assert texts(made, MIXED[:2]) == list(said)


@pytest.mark.parametrize(("height", "width"), [(60, 160), (1200, 900), (40, 40), (50, 2000)])
def test_a_picture_is_shown_whole_within_its_budget(folder: Path, height: int, width: int) -> None:
    made = asking(folder, min_pixels=16384, max_pixels=65536)
    made.model = Given(made.model)
    made.annotate([picture(1, height, width)], {})
    (given,) = made.model.given
    _, down, across = given["image_grid_thw"][0].tolist()
    assert 16384 <= down * across * 256 <= 65536 and down % 2 == across % 2 == 0
    assert 0.5 < (across / down) / (width / height) < 2
    tokens = given["input_ids"] == made.model.model.config.image_token_id
    assert int(tokens.sum()) == down * across // 4


def test_a_strip_that_the_model_cannot_see_costs_its_row_alone(folder: Path) -> None:
    rows = Runner(asking(folder, batch_size=4)).table([MIXED[0], picture(3, 2, 900), MIXED[1]], {}).to_pylist()
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"] and "aspect ratio" in rows[1]["reason"]


def test_a_template_that_is_missing_or_shows_no_picture_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tiny.qwen_vl(tmp_path / "model")
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text(template.replace("<|image_pad|>", ""))
    with pytest.raises(WeightError, match=r"the chat template of these weights makes room for 0"):
        asking(folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(WeightError, match=r"needs the chat template that is published beside the weights"):
        asking(folder)
    with pytest.raises(WeightError, match=r"holds a blip model, not qwen3_vl"):
        asking(tiny.blip(tmp_path / "blip"))


def as_published(folder: Path) -> None:
    """The same in the files in which Qwen3-VL came out: processors apart, the template in JSON, rotations under older names."""
    processors = json.loads((folder / "processor_config.json").read_text())
    (folder / "processor_config.json").unlink()
    kind = {"processor_class": processors["processor_class"]}
    images = {**processors["image_processor"], "image_processor_type": "Qwen2VLImageProcessorFast", **kind}
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    (folder / "video_preprocessor_config.json").write_text(json.dumps({**processors["video_processor"], **kind}))
    template = folder / "chat_template.jinja"
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template.read_text()}))
    template.unlink()
    config = json.loads((folder / "config.json").read_text())
    rotation = config["text_config"].pop("rope_parameters")
    config["text_config"] |= {"rope_theta": rotation.pop("rope_theta"), "rope_scaling": rotation}
    config["vision_config"]["model_type"] = "qwen3_vl"
    (folder / "config.json").write_text(json.dumps(config))


def test_a_folder_in_the_files_of_its_time_says_the_same(folder: Path, tmp_path: Path) -> None:
    other = tiny.qwen_vl(tmp_path / "model")
    as_published(other)
    assert texts(asking(other), MIXED[:4]) == texts(asking(folder), MIXED[:4])


def test_the_search_that_lies_beside_a_model_does_not_count(folder: Path, tmp_path: Path) -> None:
    """Qwen's owners publish settings for drawing at random."""
    other = tiny.qwen_vl(tmp_path / "other")
    told = json.loads((other / "generation_config.json").read_text())
    told |= {"do_sample": True, "top_k": 20, "top_p": 0.8, "temperature": 0.7, "max_length": 3}
    (other / "generation_config.json").write_text(json.dumps(told))
    assert texts(asking(other), MIXED[:3]) == texts(asking(folder), MIXED[:3])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"language": "not a tag"}, r"'not a tag' is no tag of a language \(BCP 47\): give one such as de"),
        ({"min_pixels": 5000, "max_pixels": 4000}, "min_pixels 5000 is more than max_pixels 4000"),
        ({"style": "long"}, "style"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        QwenVlSettings(**settings)


def test_sixteen_bits_and_compiling_will_do(folder: Path) -> None:
    made = asking(folder, dtype="bfloat16")
    assert any(texts(made, MIXED[:2]))
    parts = dict(made.model.named_buffers())
    assert {parts[name].dtype for name in parts if name.endswith("inv_freq")} == {torch.float32}
    assert texts(asking(folder, compile=True), MIXED[:2]) == texts(asking(folder), MIXED[:2])


def test_the_published_widths_hold_together() -> None:
    """On the meta device: 4.4 billion parameters, and the shapes that go through them."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(**tiny.qwen_full())).eval()
    assert sum(value.numel() for value in model.parameters()) / 1e9 == pytest.approx(4.438, abs=0.001)
    assert model.lm_head.weight is model.model.language_model.embed_tokens.weight
    assert np.prod(model.lm_head.weight.shape) == 151_936 * 2560
