"""Texts as CLIP reads them: open_clip's own tokenizer, its context, and what is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from annotators.torch.clip_texts import ClipTexts, pair
from tests.annotators import tiny_towers

START, END = 49_406, 49_407


@pytest.fixture
def texts(tmp_path: Path) -> ClipTexts:
    tiny_towers.know_clip(tmp_path)
    return ClipTexts(tiny_towers.CLIP)


def test_a_text_is_what_open_clip_makes_of_it(texts: ClipTexts) -> None:
    import open_clip

    found = texts.tokens("A Man, walking his dog")
    torch.testing.assert_close(found.ids, open_clip.tokenize("a man, walking his dog", tiny_towers.CLIP_CONTEXT)[0])
    assert found.ids.dtype == torch.int64 and not found.truncated
    assert found.ids.tolist()[0] == START and END in found.ids.tolist() and found.ids.tolist()[-1] == 0


@pytest.mark.parametrize(("words", "truncated"), [(10, False), (11, True), (200, True)])
def test_a_text_is_truncated_from_the_first_token_on_that_has_no_place(
    texts: ClipTexts, words: int, truncated: bool
) -> None:
    found = texts.tokens(" ".join(["dog"] * words))
    assert found.truncated == truncated and found.ids.tolist()[-1] == END
    assert len(set(found.ids.tolist()[1:-1])) == 1


def test_openais_model_reads_77_tokens() -> None:
    found = ClipTexts("ViT-L-14-quickgelu").tokens(" ".join(["dog"] * 75))
    assert len(found.ids) == 77 and not found.truncated


def test_both_towers_are_those_of_one_model(tmp_path: Path) -> None:
    import open_clip

    tiny_towers.know_clip(tmp_path)
    path = tiny_towers.clip(tmp_path)
    found = pair(tiny_towers.CLIP, path)
    model = open_clip.create_model(tiny_towers.CLIP, pretrained=str(path)).eval()
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    ids = torch.stack([found.texts.tokens(text).ids for text in ("a dog", "two men")])
    with torch.inference_mode():
        one, other = found.model.eval()(pictures, ids)
        torch.testing.assert_close(one, model.encode_image(pictures))
        torch.testing.assert_close(other, model.encode_text(ids))
    assert one.shape == other.shape == (2, tiny_towers.CLIP_WIDTH)
