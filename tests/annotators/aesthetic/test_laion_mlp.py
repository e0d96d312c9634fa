"""The improved aesthetic predictor: the published head, embeddings of length 1, rows on photographs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.aesthetic.laion_mlp import CLIP, HEAD, LaionMlp
from annotators.base import Picture
from annotators.networks.aesthetic_mlp import AestheticMlp
from annotators.weights import Weight, WeightError, from_path
from humanverse.codec import encode_jpeg
from humanverse.torchvision_operators import prepare_torchvision
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here

KEYS = Path(__file__).parents[4] / "shared" / "keys" / "aesthetic_mlp_l14.json"
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
TINY = {
    "embed_dim": 768,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 100, "width": 16, "heads": 2, "layers": 1},
}


class TinyLaion(LaionMlp):
    """The same with a tiny image tower."""

    card = replace(LaionMlp.card, name="tiny-improved-aesthetic")
    architecture = "tiny-clip"


@pytest.fixture(autouse=True)
def known_to_open_clip(tmp_path: Path) -> None:
    """Makes ``tiny-clip`` an architecture of open_clip."""
    prepare_torchvision()
    import open_clip

    (tmp_path / "tiny-clip.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")


def clip(folder: Path, architecture: str = "tiny-clip") -> Path:
    """A CLIP model with random weights in a file of the published name."""
    import open_clip
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(architecture)
    path = folder / CLIP.file_name
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    return path


def head(folder: Path) -> Path:
    """A head with random weights in a file of the published name and kind; its scores lie around 5."""
    torch.manual_seed(1)
    network = AestheticMlp()
    bias: Any = network.layers[-1].bias
    torch.nn.init.constant_(bias, 5.0)
    path = folder / HEAD.file_name
    torch.save(network.state_dict(), path)
    return path


def instead(clip_file: Path, head_file: Path) -> dict[Weight, Weight]:
    return {CLIP: from_path(clip_file), HEAD: from_path(head_file)}


@pytest.fixture
def loaded(tmp_path: Path) -> LaionMlp:
    annotator = TinyLaion(weights=instead(clip(tmp_path), head(tmp_path)))
    annotator.load()
    return annotator


def picture(rgb: np.ndarray) -> Picture:
    return Picture("0", encode_jpeg(rgb, 98))


def test_the_head_has_the_published_tensors() -> None:
    found = {name: list(tensor.shape) for name, tensor in AestheticMlp().state_dict().items()}
    assert list(found) == [f"layers.{number}.{part}" for number in (0, 2, 4, 6, 7) for part in ("weight", "bias")]
    assert sum(int(np.prod(shape)) for shape in found.values()) == 927_969
    if not KEYS.is_file():
        pytest.skip(f"the list of tensors is not at {KEYS}")
    assert found == json.loads(KEYS.read_text(encoding="utf-8"))


def test_the_head_is_a_linear_function_of_the_embedding() -> None:
    network = AestheticMlp().eval()
    one, other = torch.rand(2, 1, 768, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        between = network(0.25 * one + 0.75 * other)
        torch.testing.assert_close(between, 0.25 * network(one) + 0.75 * network(other))


def test_a_score_is_the_heads_of_the_embedding_at_length_one(loaded: LaionMlp) -> None:
    shown = picture(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8))
    (row,) = loaded.annotate([shown], {})
    with torch.inference_mode():
        embedding = loaded.model(loaded._images.input(shown.rgb)[None])
        expected = loaded._head(embedding / embedding.norm())
    assert isinstance(row, dict)
    np.testing.assert_allclose(row["score"], expected.item(), rtol=1e-5)


def test_only_the_middle_square_is_seen(loaded: LaionMlp) -> None:
    middle = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    sides = [np.pad(middle, ((0, 0), (64, 64), (0, 0)), constant_values=grey) for grey in (0, 255)]
    inputs: list[Any] = [loaded._images.input(rgb) for rgb in sides]
    assert inputs[0].shape == (3, 32, 32)
    torch.testing.assert_close(inputs[0][:, :, 4:-4], inputs[1][:, :, 4:-4])


def damaged_head(folder: Path) -> None:
    torch.save({"layers.0.weight": torch.zeros(1024, 768)}, folder / HEAD.file_name)


def damaged_clip(folder: Path) -> None:
    (folder / CLIP.file_name).write_bytes(b"nothing")


def other_clip(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({"visual.proj": torch.zeros(32, 512)}, folder / CLIP.file_name)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (damaged_head, "lacks layers.0.bias"),
        (damaged_clip, "holds no tiny-clip of open_clip"),
        (other_clip, "holds no tiny-clip of open_clip"),
    ],
)
def test_other_weights_are_refused_in_one_line(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    files = clip(tmp_path), head(tmp_path)
    damage(tmp_path)
    annotator = TinyLaion(weights=instead(*files))
    with pytest.raises(WeightError, match=told) as error:
        annotator.load()
    assert "\n" not in str(error.value)


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "aesthetic", f"{__name__}:TinyLaion", [clip(tmp_path), head(tmp_path)])
    scores = [one.row["score"] for one in rows.values()]
    assert all(4 < score < 6 for score in scores) and len(set(scores)) == len(scores)


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    weights = [clip(tmp_path, LaionMlp.architecture), head(tmp_path)]
    holds(tmp_path, "aesthetic", "improved-aesthetic", weights, PHOTOGRAPHS[:3])
