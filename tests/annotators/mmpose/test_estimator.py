"""Which configs MMPose can be given, and what it makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from annotators.mmpose.configs import DEFAULT, find, package_configs
from annotators.mmpose.estimator import build
from humanverse.errors import UserError
from schemas.skeletons import WHOLEBODY
from tests.annotators.mmpose.tiny import VITPOSE, config, needs_mmpose

pytestmark = needs_mmpose


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("cid_hrnet-w32_8xb20-140e_coco-512x512", "is of BottomupPoseEstimator: only TopdownPoseEstimator can be used"),
        (
            "td-hm_hrnet-w32_8xb64-210e_mpii-256x256",
            "is for the 16 points of mpii: only COCO's 17 and COCO-WholeBody's 133",
        ),
        ("td-hm_hrnet-w32_8xb64-210e_ap10k-256x256", "is for the 17 points of ap10k: only COCO's 17"),
    ],
)
def test_what_is_no_top_down_estimator_of_these_points_is_refused(name: str, line: str) -> None:
    _refused(name, line)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("raise RuntimeError('no')", "cannot be run: RuntimeError: no"),
        ("model = dict(_delete_=True)", r"has no model\.type: TopdownPoseEstimator is needed$"),
        (
            "model = dict(_delete_=True, type='TopdownPoseEstimator')",
            r"lacks model\.backbone and model\.head: give each",
        ),
        ("model['head'] = dict(_delete_=True, out_channels=133)", r"lacks model\.head: give each with its type$"),
        (
            "test_dataloader = dict(dataset=dict(_delete_=True, pipeline=[dict(type='PackPoseInputs')]))",
            "does not say of which dataset its points are",
        ),
        ("model['backbone']['type'] = 'NoSuchNet'", "cannot be built here: KeyError: .*NoSuchNet"),
        (
            "test_dataloader = dict(_delete_=True, dataset=dict(type='CocoDataset'))",
            r"has no test_dataloader\.dataset\.pipeline",
        ),
        ("test_dataloader = dict(dataset=dict(type='Nobodys'))", "does not say of which dataset its points are"),
        (
            "model['backbone'] = dict(_delete_=True, type='mmpretrain.VisionTransformer', arch='giant')",
            "with another patch_size",
        ),
    ],
)
def test_a_config_that_does_not_work_is_one_line(tmp_path: Path, more: str, line: str) -> None:
    _refused(config(tmp_path, VITPOSE, more), line)


def _refused(config: Path | str, line: str) -> None:
    with pytest.raises(UserError, match=line) as error:
        build(find(str(config)))
    assert "\n" not in str(error.value)


def test_every_vitpose_of_mmpose_has_our_transformer() -> None:
    names = [name for name in package_configs() if name.startswith("td-hm_ViTPose")]
    assert len(names) >= 10
    shapes = {}
    for name in names:
        with torch.device("meta"):
            model = build(find(name)).model
        shapes[name] = (model.backbone.pos_embed.shape[2], len(model.backbone.blocks))
    sizes = {"small": (384, 12), "base": (768, 12), "large": (1024, 24), "huge": (1280, 32)}
    assert {name: sizes[name.split("-")[2].partition("_")[0]] for name in names} == shapes


def test_the_default_is_vitpose_h_with_the_133_points() -> None:
    with torch.device("meta"):
        estimator = build(find(DEFAULT))
    tensors = estimator.model.state_dict()
    assert len(tensors) == 403 and sum(one.numel() for one in tensors.values() if one.is_floating_point()) > 637_000_000
    assert estimator.points == WHOLEBODY and estimator.model.backbone.pos_embed.shape == (1, 193, 1280)
