"""Latents of pictures and maps: rows on photographs with a tiny VAE, and that they are those of the trainer's own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from annotators.base import Picture
from annotators.cache import WeightError
from annotators.latent.sd2 import Sd2
from annotators.weights import standing_in
from humanverse.codec import arrays, encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.export.base import Settings
from humanverse.models import identity
from humanverse.training.pictures import filled
from pipelines.annotate import annotate
from pipelines.export import export
from pipelines.plan_layers import Asked
from tests.annotators.added import holds, photographs_here
from tests.annotators.full_size import full
from tests.annotators.latent import tiny
from tests.datasets import make_dataset


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.pipeline(tmp_path_factory.mktemp("latents") / "tiny")


def _vae(folder: Path) -> torch.nn.Module:
    from diffusers import AutoencoderKL

    found: torch.nn.Module = AutoencoderKL.from_pretrained(folder / "vae")
    return found


def add(url: str, weights: Path, name: str, **settings: object) -> None:
    asked = Asked({"latent": name}, settings={"latent": settings}, weights=[("latent", str(weights))])
    assert annotate(url, asked, local=True).lost == {}


@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_rows_on_photographs(weights: Path, tmp_path: Path) -> None:
    buckets = [[64, 64], [48, 80]]
    rows = holds(tmp_path, "latent", "sd2", [weights], buckets=buckets)
    for one in rows.values():
        size = [one.row["bucket_width"], one.row["bucket_height"]]
        upright = one.size[1] > 1.3 * one.size[0]
        assert size == buckets[upright]
        x0, y0, x1, y1 = one.row["map_box"]
        assert (x1 - x0) / (y1 - y0) == pytest.approx(size[0] / size[1], abs=1e-3)
        assert one.map is not None and one.map.shape == (4, size[1] // 8, size[0] // 8)


@pytest.mark.parametrize(
    ("name", "picture", "layers"),
    [("sd2", "rgb", ()), ("sd2-depth", "depth", ("depth",)), ("sd2-skeleton", "skeleton", ("pose",))],
)
def test_it_is_the_latent_of_the_trainers_own_picture(
    weights: Path, tmp_path: Path, name: str, picture: str, layers: tuple[str, ...]
) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    buckets = [(64, 64), (96, 72)]
    add(url, weights, name, buckets=buckets)
    dataset, vae = Dataset(url), _vae(weights)
    made = {row["uid"]: row for row in dataset.layer(f"latent/{name}", 0).to_pylist()}
    loader = dataset.to_torch(layers=layers, captions={}, buckets=buckets, batch_size=3, crop="centre", epochs=1)
    (batch,) = loader
    with torch.no_grad():
        wanted = vae.encode(filled(picture, batch)).latent_dist.mode().numpy()  # type: ignore[operator]
    for uid, expected in zip(batch["uids"], wanted, strict=True):
        data = dataset.map_png(f"latent/{name}", 0, made[uid])
        assert data is not None
        np.testing.assert_allclose(arrays.decode(data).astype(np.float32), expected, rtol=1e-3, atol=1e-4)


def test_a_loader_gives_it_and_then_reads_no_picture(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2", buckets=[64])
    dataset = Dataset(url)
    latents = {"rgb": "latent/sd2"}
    loader = dataset.to_torch(
        layers=(), captions={}, buckets=[64], batch_size=3, crop="centre", latents=latents, epochs=1
    )
    (batch,) = loader
    assert (
        "image" not in batch
        and batch["latent_rgb"].shape == (3, 4, 8, 8)
        and batch["latent_rgb"].dtype == torch.float16
    )
    row = dataset.layer("latent/sd2", 0).to_pylist()[0]
    data = dataset.map_png("latent/sd2", 0, row)
    assert data is not None
    at = batch["uids"].index(row["uid"])
    np.testing.assert_array_equal(batch["latent_rgb"][at].numpy(), arrays.decode(data))


def test_latents_of_another_bucket_are_no_samples_and_of_random_crops_refused(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2", buckets=[64])
    options: dict[str, Any] = {
        "layers": (),
        "captions": {},
        "batch_size": 3,
        "latents": {"rgb": "latent/sd2"},
        "epochs": 1,
    }
    with pytest.raises(UserError, match="3 corrupt latent"):
        list(Dataset(url).to_torch(buckets=[72], crop="centre", **options))
    with pytest.raises(UserError, match="ask for crop='centre' without flip"):
        Dataset(url).to_torch(buckets=[64], **options)


def test_a_damaged_latent_is_found(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2", buckets=[64])
    row = Dataset(url).layer("latent/sd2", 0).to_pylist()[1]
    with (Path(url) / "layers/latent/sd2/000000.tar").open("r+b") as tar:
        tar.seek(row["map_offset"])
        tar.write(b"no array")
    told = [one.message for one in verify(Dataset(url)).findings]
    assert told == [f"{row['uid']}.latent.npy is not a whole NPY file (1 of 3 maps)"]


def test_the_layer_says_which_encoder_it_is(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2-depth", buckets=[64])
    card = Dataset(url).layer_card("latent/sd2-depth")
    assert (card["of"], card["channels"], card["shrinks"]) == ("depth", 4, 8)
    assert card["reads"] == {"depth": "depth/test"} and card["settings"]["buckets"] == [[64, 64]]
    assert card["encoder"] == identity.of_vae(_vae(weights)) != identity.of_vae(_vae(tiny.pipeline(tmp_path / "b", 1)))


def test_what_is_no_such_vae_is_refused_in_one_line(weights: Path, tmp_path: Path) -> None:
    other = tiny.pipeline(tmp_path / "other")
    file = other / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    save_file({name: value for name, value in tensors.items() if name != "quant_conv.bias"}, file)
    with pytest.raises(WeightError, match=r"lacks weights of AutoencoderKL: quant_conv\.bias"):
        Sd2(weights=standing_in(Sd2.card.weights, other)).load()
    with pytest.raises(ValueError, match="give multiples of 8 pixels"):
        Sd2.Settings.model_validate({"buckets": [60]})


def test_a_bucket_that_a_vae_cannot_halve_so_often_is_refused_in_one_line(weights: Path, tmp_path: Path) -> None:
    from diffusers import AutoencoderKL

    stages = {"down_block_types": ("DownEncoderBlock2D",) * 5, "up_block_types": ("UpDecoderBlock2D",) * 5}
    AutoencoderKL(block_out_channels=(4,) * 5, norm_num_groups=2, **stages).save_pretrained(tmp_path / "vae")
    (tmp_path / "model_index.json").write_bytes((weights / "model_index.json").read_bytes())
    with pytest.raises(WeightError, match="a bucket of 64x56 has no whole latent: sides are multiples of 16"):
        Sd2(
            Sd2.Settings.model_validate({"buckets": [[64, 56]]}), weights=standing_in(Sd2.card.weights, tmp_path)
        ).load()


def test_no_export_has_it(weights: Path, tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    add(url, weights, "sd2", buckets=[64])
    add(url, weights, "sd2-depth", buckets=[64])
    exported = export(url, str(tmp_path / "out"), "webdataset", Settings())
    assert set(exported.layers) == {"person", "pose", "caption", "depth"}
    with pytest.raises(UserError, match="a latent layer is for training in place, no export has it"):
        export(url, str(tmp_path / "other"), "webdataset", Settings(layers=("latent/sd2",)))


class Silent(Sd2):
    """One that does not say by which encoder it is."""

    def describes(self) -> dict[str, Any]:
        return {"of": "rgb"}


def test_a_latent_that_does_not_say_by_which_encoder_it_is_is_refused(weights: Path) -> None:
    silent = Silent(weights=standing_in(Sd2.card.weights, weights))
    with pytest.raises(UserError, match=r"layer\.json of latent/sd2 does not say encoder, by which a trainer knows"):
        silent.provenance({})


@pytest.mark.slow
def test_the_vae_of_full_size_runs(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (520, 700, 3), np.uint8)
    found, weights = full("latent", "sd2", tmp_path)
    made = found(Sd2.Settings(threads=2), "cpu", weights)
    made.load()
    (row,) = made.annotate([Picture("0", encode_jpeg(pixels, 95))], {})
    assert isinstance(row, dict) and row["map"].shape == (64, 64, 4) and np.isfinite(row["map"]).all()
    assert sum(value.numel() for value in made.model.parameters()) == 83_653_863  # type: ignore[attr-defined]
