"""Training from latents and prompts that were made beforehand: the same as without, and only from those that fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.dataset import layout
from humanverse.dataset.reader import Dataset
from humanverse.training import parts
from humanverse.training.caches import Caches, find
from humanverse.training.checkpoints import RunFolder
from humanverse.training.encoding import Encoding
from humanverse.training.run import run
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.annotators.latent import tiny as sd
from tests.datasets import make_dataset
from tests.humanverse.training import tiny

LATENTS = {"rgb": "latent/sd2", "depth": "latent/sd2-depth", "skeleton": "latent/sd2-skeleton"}
PROMPTS = {"source": "prompt/sd2"}
READ = ("depth/test", "pose/test")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sd.pipeline(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def cached(base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a dataset of 8 samples with all that ``rgb_depth`` would encode."""
    url = make_dataset(tmp_path_factory.mktemp("cached") / "people", 2, 4).url
    for layer in (*LATENTS.values(), *PROMPTS.values()):
        kind, _, name = layer.partition("/")
        own = {"buckets": [64], "batch_size": 4} if kind == "latent" else {"batch_size": 4}
        assert (
            annotate(url, Asked({kind: name}, settings={kind: own}, weights=[(kind, str(base))]), local=True).lost == {}
        )
    return url


def _changes(base: Path, **more: Any) -> dict[str, Any]:
    own = {"data__buckets": [64], "data__crop": "centre", "model__vae": str(base / "vae"), "model__text": str(base)}
    return {**own, "samples": 8, "masked_loss": False, **more}


def _log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def _never(*given: Any, **named: Any) -> Any:
    raise AssertionError("this was made beforehand")


def test_it_learns_the_same_and_asks_neither_vae_nor_text_encoder(
    cached: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.trained(cached, tmp_path / "without", **_changes(base, data__cache=False))
    said: list[str] = []
    monkeypatch.setattr("diffusers.AutoencoderKL.encode", _never)
    monkeypatch.setattr("humanverse.loading.sample.cropped", _never)
    monkeypatch.setattr("humanverse.loading.sample.draw_skeleton", _never)
    monkeypatch.setattr("humanverse.training.encoding.states", _only_nothing)
    run("structure", cached, tmp_path / "with", tiny.settings(**_changes(base)), say=said.append)
    assert said == [f"encoded beforehand: {', '.join([*LATENTS.values(), *PROMPTS.values()])}"]
    without, with_ = _log(tmp_path / "without"), _log(tmp_path / "with")
    for name in ("samples", "loss", "loss/rgb", "loss/depth", "gradient_norm"):
        assert [one[name] for one in with_] == pytest.approx([one[name] for one in without], rel=3e-3), name


def _only_nothing(encoder: Any, tokenizer: Any, prompts: list[str], device: Any) -> torch.Tensor:
    from humanverse.models.texts import states

    assert prompts == [""], "only the empty prompt is no layer's"
    return states(encoder, tokenizer, prompts, device)


def test_it_goes_on_to_the_same_bits_and_shows_pictures(cached: str, base: Path, tmp_path: Path) -> None:
    looks: dict[str, Any] = {"validation__every": 8, "validation__samples": 1, "validation__steps": 1}
    masked = _changes(base, masked_loss=True)
    tiny.trained(cached, tmp_path / "straight", **masked, **looks)
    tiny.trained(cached, tmp_path / "stopped", **{**masked, "samples": 4})
    tiny.trained(cached, tmp_path / "stopped", **masked)
    tiny.assert_equal(*(RunFolder(tmp_path / name).checkpoint(8) for name in ("straight", "stopped")))
    assert (tmp_path / "straight/validation/000000000008.png").is_file()


def _found(url: str, base: Path, shards: list[int] | None = None, **changes: Any) -> Caches:
    settings = tiny.settings(**_changes(base, **changes))
    text = parts.text_of(settings.model)
    encoding = Encoding([*LATENTS], parts.frozen(parts.vae_of(settings.model), CPU), text, CPU)
    return find(Dataset(url).select(None), settings, encoding, READ, shards)


def test_maps_are_still_read_where_they_say_what_is_valid(cached: str, base: Path) -> None:
    found = _found(cached, base)
    assert (found.latents, found.prompts, found.layers) == (LATENTS, PROMPTS, ())
    assert _found(cached, base, masked_loss=True).layers == ("depth/test",)
    assert _found(cached, base, data__cache=False) == Caches(READ)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data__crop": "random"}, "made of the middle of pictures, and crops are random: data.crop=centre uses it"),
        ({"data__flip": True}, "made of pictures that are not mirrored, and data.flip mirrors some"),
        ({"data__buckets": [72]}, "made for buckets [[64, 64]], not [[72, 72]]"),
        ({"model__vae": "patch:4"}, "made by another VAE"),
    ],
)
def test_latents_that_do_not_fit_are_told_and_not_used(
    cached: str, base: Path, changes: dict[str, Any], why: str
) -> None:
    found = _found(cached, base, **changes)
    assert (found.latents, found.prompts, found.layers) == ({}, PROMPTS, READ)
    assert found.said == ("encoded beforehand: prompt/sd2", *(f"not used: {one}, {why}" for one in LATENTS.values()))


def test_states_that_do_not_fit_are_told_and_not_used(cached: str, base: Path, tmp_path: Path) -> None:
    other = _found(cached, base, model__text=str(sd.pipeline(tmp_path / "other", 1)))
    assert (other.prompts, other.said[1:]) == ({}, ("not used: prompt/sd2, made by another text encoder",))
    mixed = _found(cached, base, data__captions={"source": 1, "caption": 1})
    told = ("not used: prompt/sd2, as there is none that can be used of caption",)
    assert (mixed.prompts, mixed.said[1:]) == ({}, told)


def test_a_layer_that_was_made_of_another_one_or_is_not_complete_is_not_used(base: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 2, 2).url
    for name in ("sd2-depth", "sd2-skeleton"):
        asked = Asked({"latent": name}, settings={"latent": {"buckets": [64]}}, weights=[("latent", str(base))])
        annotate(url, asked, local=True)
    card = Path(url) / layout.layer_folder("depth/test") / "layer.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "fingerprint": "another"}))
    (Path(url) / layout.layer_table("latent/sd2-skeleton", 1)).unlink()
    found = _found(url, base)
    assert found.latents == {} and set(found.said) == {
        "not used: latent/sd2-depth, made from depth/test as it was",
        "not used: latent/sd2-skeleton, not made for all shards yet",
    }
    begun_before_the_second_shard = _found(url, base, shards=[0])
    assert begun_before_the_second_shard.latents == {"skeleton": "latent/sd2-skeleton"}


def test_what_rests_is_on_the_device_only_while_it_is_needed() -> None:
    class Moved(torch.nn.Module):
        where = ["cpu"]

        def to(self, device: Any) -> Any:  # type: ignore[override]
            self.where.append(str(device))
            return self

    part = Moved()
    encoding = Encoding([], part, None, torch.device("cuda:0"))
    encoding.rest(part)
    with encoding.awake(), encoding.awake():
        assert part.where[-1] == "cuda:0"
    assert part.where == ["cpu", "cpu", "cuda:0", "cpu"]
