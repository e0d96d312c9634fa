"""A picture classifier of timm: the probability of its first class, in the middle square."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.safety.marqo import Marqo
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from humanverse.torchvision_operators import prepare_torchvision
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here

prepare_torchvision()
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
(WEIGHT,) = Marqo.card.weights


class TinyMarqo(Marqo):
    """The same with a tiny network."""

    card = replace(Marqo.card, name="tiny-marqo")
    side = 64

    def network(self) -> Any:
        return _tiny()


def _tiny() -> Any:
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(img_size=64, patch_size=16, num_classes=2, embed_dim=32, depth=2, num_heads=2)


def written(folder: Path, make: Any = _tiny) -> Path:
    """Random weights of a network, its last layer louder, in a file of the published name."""
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        tensors = {name: tensor.clone() for name, tensor in make().state_dict().items()}
        tensors["head.weight"] = torch.randn(tensors["head.weight"].shape)
    save_file(tensors, folder / WEIGHT.file_name)
    return folder / WEIGHT.file_name


def loaded(path: Path, annotator: type[Marqo] = TinyMarqo) -> Marqo:
    made = annotator(weights={WEIGHT: from_path(path)})
    made.load()
    return made


def test_it_is_the_probability_of_the_first_class(tmp_path: Path) -> None:
    path = written(tmp_path)
    annotator, bare = loaded(path), _tiny().eval()
    from safetensors.torch import load_file

    bare.load_state_dict(load_file(path))
    shown = Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8), 98))
    (row,) = annotator.annotate([shown], {})
    with torch.inference_mode():
        nsfw, sfw = bare(annotator.input(shown.rgb)[None])[0].exp().tolist()
    assert isinstance(row, dict)
    np.testing.assert_allclose(row["unsafe"], nsfw / (nsfw + sfw), atol=1e-5)


def test_the_picture_is_seen_as_its_owner_shows_it(tmp_path: Path) -> None:
    """As timm makes the transform of the published config.json: input 3 x 384 x 384, bicubic, crop_pct 1, crop_mode center."""
    import timm

    model = timm.create_model(Marqo.architecture, num_classes=2)
    published = {"input_size": (3, 384, 384), "interpolation": "bicubic", "crop_pct": 1.0, "crop_mode": "center"}
    config = timm.data.resolve_data_config({**published, "mean": (0.5,) * 3, "std": (0.5,) * 3}, model=model)
    theirs = timm.data.create_transform(**config, is_training=False)
    annotator = loaded(written(tmp_path, lambda: model), Marqo)
    rgb = np.random.default_rng(0).integers(0, 255, (300, 500, 3), np.uint8)
    from PIL import Image

    torch.testing.assert_close(annotator.input(rgb), theirs(Image.fromarray(rgb)))


def test_other_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"head.weight": torch.zeros(2, 192)}, tmp_path / WEIGHT.file_name)
    with pytest.raises(WeightError, match=r"lacks cls_token; .* and \d+ more$"):
        loaded(tmp_path / WEIGHT.file_name)


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "safety", f"{__name__}:TinyMarqo", [written(tmp_path)], PHOTOGRAPHS[:3])
    assert len({one.row["unsafe"] for one in rows.values()}) == 3


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    import timm

    make = lambda: timm.create_model(Marqo.architecture, num_classes=2)  # noqa: E731
    holds(tmp_path, "safety", "marqo", [written(tmp_path, make)], PHOTOGRAPHS[:3])
