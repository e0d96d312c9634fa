"""Both stages from requests to arrays: the same bits in any company, and every request counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from humanverse.errors import UserError
from humanverse.generation import Drawing, Generator
from humanverse.generation.generator import of_shape, refining_seed
from humanverse.models import RefinerPipeline, StructuralPipeline
from tests.humanverse.generation import tiny


@pytest.fixture(scope="module")
def both(structure: Path, refiner: Path) -> Generator:
    return Generator(structure, refiner, device="cpu", mark=False)


@pytest.fixture(scope="module")
def first(structure: Path) -> Generator:
    return Generator(str(structure), device="cpu", mark=False)


def test_arrays_have_the_stated_types_and_ranges(both: Generator) -> None:
    (made,) = both.generate([tiny.request(size=(64, 96), refined_size=(96, 144))])
    assert made.request.size == (64, 96)
    pictures = {"skeleton": made.skeleton, "rgb": made.rgb, "refined": made.refined}
    assert {name: (array.shape, array.dtype) for name, array in pictures.items()} == {
        "skeleton": ((96, 64, 3), np.uint8),
        "rgb": ((96, 64, 3), np.uint8),
        "refined": ((144, 96, 3), np.uint8),
    }
    assert made.depth.shape == (96, 64) and made.depth.dtype == np.float32
    assert 0 <= made.depth.min() < made.depth.max() <= 1
    assert made.normal.shape == (96, 64, 3) and made.normal.dtype == np.float32
    length = np.linalg.norm(made.normal, axis=2)
    np.testing.assert_allclose(length[np.isfinite(length)], 1, atol=1e-5)
    assert np.isfinite(length).any()


def test_a_picture_has_the_same_bits_in_any_company(both: Generator) -> None:
    requests = [tiny.request(seed, prompt) for seed, prompt in ((3, "a"), (4, "b c"), (5, "a"))]
    together = both.generate(requests, batch=3)
    assert [made.request.seed for made in together] == [3, 4, 5]
    (alone,) = both.generate(requests[1:2])
    assert tiny.same(together[1], alone)
    assert not np.array_equal(together[0].rgb, together[2].rgb)


def test_it_is_what_the_pipelines_make(both: Generator, structure: Path, refiner: Path) -> None:
    request = tiny.request(7)
    (made,) = both.generate([request])
    stage_1, stage_2 = StructuralPipeline.from_pretrained(structure), RefinerPipeline.from_pretrained(refiner)
    common = {"height": 64, "width": 64, "num_inference_steps": 2, "guidance_scale": 7.5, "output_type": "np"}
    drawn = request.skeleton.drawn((64, 64))
    pictures = stage_1(
        "a b c", {"skeleton": drawn}, guidance_rescale=0.7, generator=torch.Generator().manual_seed(7), **common
    ).pictures
    assert np.array_equal(made.rgb, np.rint(pictures["rgb"][0] * 255).astype(np.uint8))
    np.testing.assert_allclose(made.depth, pictures["depth"][0].mean(axis=2), atol=1e-6)
    normal = np.nan_to_num(made.normal, nan=0) / 2 + 0.5
    maps = {"skeleton": drawn, "depth": made.depth[..., None].repeat(3, 2), "normal": normal}
    refined = stage_2("a b c", maps, generator=torch.Generator().manual_seed(refining_seed(7)), **common).images
    np.testing.assert_allclose(made.refined, refined[0] * 255, atol=0.51)


def test_the_stages_have_unlike_noise() -> None:
    for seed in (0, 7, 2**32 - 1):
        first, second = (
            torch.randn(512, generator=torch.Generator().manual_seed(own)) for own in (seed, refining_seed(seed))
        )
        assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 0.2


def test_every_part_of_a_request_counts(first: Generator) -> None:
    plain = tiny.request()
    (before,) = first.generate([plain])
    for changed in (
        {"prompt": "b"},
        {"skeleton": Drawing(np.full((64, 64, 3), 90, np.uint8))},
        {"seed": 1},
        {"steps": 3},
        {"guidance": 2.0},
        {"rescale": 0.0},
        {"negative": "h"},
        {"original": (512, 384)},
    ):
        (after,) = first.generate([replace(plain, **changed)])
        assert not np.array_equal(after.depth, before.depth), changed


def test_both_stages_are_told_of_the_size_that_pictures_were_taken_with(both: Generator) -> None:
    plain = tiny.request()
    (before,) = both.generate([plain])
    told = {"depth": before.depth, "normal": before.normal}
    (same,) = both.generate([replace(plain, original=(64, 64))])
    assert tiny.same(before, same)
    (after,) = both.generate([replace(plain, original=(512, 384), maps=told)])
    assert not np.array_equal(after.depth, before.depth) and not np.array_equal(after.refined, before.refined)


def test_own_maps_reach_stage_two_alone(both: Generator) -> None:
    request = tiny.request()
    (made,) = both.generate([request])
    (same,) = both.generate([replace(request, maps={"depth": made.depth, "normal": made.normal})])
    assert tiny.same(made, same)
    (other,) = both.generate([replace(request, maps={"depth": 1 - made.depth})])
    assert np.array_equal(other.depth, made.depth) and not np.array_equal(other.refined, made.refined)


def test_progress_is_told_in_fractions_of_pictures(both: Generator) -> None:
    told: list[float] = []
    assert len(list(both.stream([tiny.request(seed) for seed in (0, 1)], tell=told.append))) == 2
    assert told == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]


def test_targets_of_another_model(tmp_path: Path) -> None:
    folder = tiny.structure(tmp_path / "more", targets=["rgb", {"name": "segmentation", "channels": 4}])
    (made,) = Generator(folder, device="cpu", mark=False).generate([tiny.request(steps=1)])
    assert made.depth is None and made.normal is None
    assert made.others["segmentation"].shape == (64, 64, 3) and made.others["segmentation"].dtype == np.uint8
    refining = Generator(folder, tiny.refiner(tmp_path / "refiner"), device="cpu", mark=False)
    with pytest.raises(UserError, match="the refiner is told depth, which the model does not make: give --depth FILE"):
        refining.generate([tiny.request(steps=1)])


@pytest.mark.slow
def test_networks_in_bfloat16_make_about_the_same(structure: Path, refiner: Path, both: Generator) -> None:
    short = Generator(structure, refiner, device="cpu", dtype="bfloat16", mark=False)
    (exact,), (rounded,) = both.generate([tiny.request()]), short.generate([tiny.request()])
    assert short._structural.unet.dtype == torch.bfloat16 and short._structural.vae.dtype == torch.float32
    assert 0 < np.abs(exact.depth - rounded.depth).mean() < 0.05
    assert len(np.unique(rounded.depth)) > 256


def test_the_size_of_stage_two_has_stage_ones_shape(both: Generator) -> None:
    assert of_shape((1024, 1024), (512, 512)) == (1024, 1024)
    assert of_shape((1024, 1024), (448, 576)) == (896, 1152)
    assert both.resolved(tiny.request(size=(64, 96))).refined_size == (48, 72)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**32}, "seed 4294967296"),
        ({"steps": 0}, "0 steps"),
        ({"guidance": 0.5}, "guidance 0.5"),
        ({"guidance": float("nan")}, "guidance nan"),
        ({"rescale": 2}, "rescale 2"),
        ({"size": (60, 60)}, "multiples of 8"),
        ({"refined_size": (64, 128)}, "the refined picture of 64x128 has another shape than stage 1's 64x64"),
        ({"maps": {"depth": np.zeros((64, 128), np.float32)}}, "the depth map of 128x64 has another shape"),
    ],
)
def test_what_cannot_be_is_one_line(both: Generator, changed: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        both.generate([tiny.request(**changed)])


def test_generators_that_cannot_be(structure: Path, first: Generator) -> None:
    with pytest.raises(UserError, match="dtype int8: choose from float32"):
        Generator(structure, dtype="int8")
    for device in ("nothing", "cuda:77"):
        with pytest.raises(UserError, match=f"device {device} cannot be used here"):
            Generator(structure, device=device, mark=False).generate([tiny.request()])
    with pytest.raises(UserError, match="give a refiner"):
        first.generate([tiny.request(refined_size=(64, 64))])
