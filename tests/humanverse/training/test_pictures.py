"""Targets and conditions as pictures."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.training.pictures import PICTURES, filled, layers_for, valid_cells


def test_only_needed_layers_are_read() -> None:
    assert layers_for(["rgb", "depth", "skeleton"], ["pose/truth"]) == ("depth", "pose/truth")
    with pytest.raises(UserError, match="nothing of this model needs normal/dpt: leave it out"):
        layers_for(["rgb", "depth"], ["normal/dpt"])
    with pytest.raises(UserError, match="no picture 'heat' can be made of a sample: choose from rgb, depth"):
        layers_for(["heat"], [])
    with pytest.raises(UserError, match="only one layer of a kind can be trained on, not depth/a, depth/b"):
        layers_for(["depth"], ["depth/a", "depth/b"])


def test_depth_is_grey() -> None:
    depth = torch.linspace(-1, 1, 12).reshape(1, 1, 3, 4)
    picture = PICTURES["depth"].of({"depth": depth})
    assert picture.shape == (1, 3, 3, 4) and torch.equal(picture[:, 2:], depth)


def test_segmentation_has_a_colour_for_every_id() -> None:
    ids = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    picture = PICTURES["segmentation"].of({"segmentation": ids})
    assert picture.shape == (1, 3, 16, 16) and picture.min() >= -1 and picture.max() <= 1
    colours = {tuple(colour) for colour in picture[0].flatten(1).T.tolist()}
    assert len(colours) == 256 and (-1.0, -1.0, -1.0) in colours


def test_what_is_not_valid_is_grey() -> None:
    valid = torch.tensor([True, False, True, False]).reshape(1, 1, 2, 2)
    normal = torch.full((1, 3, 2, 2), 0.5)
    assert filled("normal", {"normal": normal, "normal_valid": valid}).unique(dim=1).flatten().tolist() == [
        0.5,
        0,
        0.5,
        0,
    ]
    image = torch.full((1, 3, 2, 2), 0.5)
    assert torch.equal(filled("rgb", {"image": image}), image)


def test_a_cell_counts_if_all_of_its_pixels_are_valid() -> None:
    valid = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    valid[0, 0, 3, 2] = valid[0, 0, 0, 5] = False
    assert valid_cells(valid, (2, 3)).tolist() == [[[[True, True, False], [True, False, True]]]]
