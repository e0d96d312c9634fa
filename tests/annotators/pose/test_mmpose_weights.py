"""Which weights ``pose=mmpose`` takes, under which names, and that a config stays what it was when the layer was begun."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from annotators import fetching
from annotators.pose.mmpose_topdown import MMPoseTopdown
from annotators.weights import WeightError, standing_in
from humanverse.errors import UserError
from pipelines.build import build
from schemas.recipe import load
from tests.annotators.mmpose.tiny import HRNET, VITPOSE, config, loaded, needs_mmpose, vitpose, weights
from tests.annotators.pose.people import found, person

pytestmark = needs_mmpose


def test_weights_are_known_by_all_names_that_they_have(tmp_path: Path) -> None:
    """ViTPose's authors', those of MMPose 1.x with mmpretrain's transformer, and MMPose's with the input's mean."""
    path, published = config(tmp_path, VITPOSE), torch.load(vitpose(tmp_path / "published.pth"))["state_dict"]
    theirs = {_as_mmpose_1(name): tensor for name, tensor in published.items()}
    class_token = theirs["backbone.pos_embed"][:, :1]
    theirs["backbone.pos_embed"] = theirs["backbone.pos_embed"][:, 1:] + class_token
    theirs["data_preprocessor.mean"] = torch.zeros(3, 1, 1)
    torch.save({"meta": {"epoch": 210}, "state_dict": theirs}, tmp_path / "mmpose.pth")
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    one, other = (
        found(loaded(path, tmp_path / name), rgb, person((10, 10, 50, 80))) for name in ("published.pth", "mmpose.pth")
    )
    np.testing.assert_allclose(one[..., 2], other[..., 2], rtol=0, atol=1e-4)


def _as_mmpose_1(name: str) -> str:
    for ours, theirs in (
        ("keypoint_head.", "head."),
        ("backbone.blocks.", "backbone.layers."),
        (".norm", ".ln"),
        (".mlp.fc1.", ".ffn.layers.0.0."),
        (".mlp.fc2.", ".ffn.layers.1."),
        ("patch_embed.proj.", "patch_embed.projection."),
        ("backbone.last_norm.", "backbone.ln1."),
    ):
        name = name.replace(ours, theirs)
    return name


def test_weights_of_another_model_are_refused_in_one_line(tmp_path: Path) -> None:
    path = config(tmp_path, VITPOSE)
    body = vitpose(tmp_path / "body.pth", points=17)
    with pytest.raises(WeightError, match=r"head.final_layer.weight is \[17, 16, 1, 1\] instead of \[133, 16, 1, 1\]"):
        loaded(path, body)
    with pytest.raises(WeightError, match=r"is not of this network: lacks backbone.conv1.weight"):
        loaded(config(tmp_path, HRNET), body)


def test_a_checkpoint_with_more_than_tensors_is_converted_first(tmp_path: Path) -> None:
    from annotators.torch.convert import convert

    path = config(tmp_path, VITPOSE)
    state = torch.load(weights(tmp_path / "plain.pth", path))["state_dict"]
    torch.save({"meta": {"cfg": Path("a.py")}, "state_dict": state}, tmp_path / "old.pth")
    with pytest.raises(WeightError, match=r"humanverse models convert .*old.pth OUT.safetensors"):
        loaded(path, tmp_path / "old.pth")
    convert(tmp_path / "old.pth", tmp_path / "new.safetensors")
    assert len(loaded(path, tmp_path / "new.safetensors").model.points) == 133


def test_a_config_of_ones_own_needs_weights_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a build says before it fetches those of the default, or writes anything."""
    monkeypatch.setattr(fetching, "obtain", lambda weight: pytest.fail(f"{weight.spec} was fetched"))
    chosen = {"pose": {"name": "mmpose", "settings": {"config": HRNET}}}
    (tmp_path / "urls.txt").write_text("https://example.com/1.jpg\n")
    with pytest.raises(UserError, match=rf"pose.config={HRNET} needs its weights: name them, as --weights pose=FILE"):
        build([str(tmp_path / "urls.txt")], str(tmp_path / "d"), load(overrides={"annotators": chosen}), local=True)
    assert not (tmp_path / "d").exists()


def test_a_config_is_the_one_of_the_plan_wherever_it_runs_and_must_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(tmp_path, VITPOSE)
    instead = standing_in(MMPoseTopdown.card.weights, weights(tmp_path / "tiny.pth", path))
    monkeypatch.chdir(path.parent)
    settings = MMPoseTopdown.Settings(config=path.name)
    annotator = MMPoseTopdown(settings, weights=instead)
    planned = annotator.provenance({"person": "0"})
    monkeypatch.chdir(path.parent.parent)
    annotator.load()
    path.write_text(path.read_text() + "# seen by nobody\n")
    for asked in (annotator.load, annotator.deciding):
        with pytest.raises(UserError, match="is not what it was when the layer was begun"):
            asked()
    monkeypatch.chdir(path.parent)
    another = MMPoseTopdown(settings, weights=instead)
    assert another.provenance({"person": "0"})["fingerprint"] != planned["fingerprint"]


@pytest.mark.parametrize(
    ("asked", "line"), [("nope", "no config 'nope': give a path"), ("/no/such.py", "no config at /no/such.py")]
)
def test_a_config_that_is_not_here_is_told_before_weights_are_asked_for(asked: str, line: str) -> None:
    with pytest.raises(UserError, match=f"^{line}"):
        MMPoseTopdown(MMPoseTopdown.Settings(config=asked))
