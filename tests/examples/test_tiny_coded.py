"""What examples/tiny says a VAE can show at best: by a VAE that loses nothing."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

TINY = Path(__file__).parents[2] / "examples" / "tiny"
SIDE = 8


def test_without_loss_all_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TINY))
    coded, pictured = importlib.import_module("coded"), importlib.import_module("pictured")
    chance = np.random.default_rng(0)
    normal = chance.normal(size=(SIDE, SIDE, 3))
    normal = (normal / np.linalg.norm(normal, axis=2, keepdims=True)).astype(np.float32)
    normal[0, 0] = np.nan
    rgb = chance.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    depth = chance.random((SIDE, SIDE), np.float32)
    given = pictured.Pictured("one", rgb, depth, normal, np.zeros((133, 3)), np.array([0.0, 0, 4, 8]), 20.0)
    (back,) = coded.coded([given], "patch:2")
    assert np.array_equal(back.rgb, rgb)
    assert np.allclose(back.depth, depth, atol=1e-5)
    assert np.allclose(back.normal, normal, atol=1e-5, equal_nan=True)
    assert back.area == given.area and back.name != given.name
