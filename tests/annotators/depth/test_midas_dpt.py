"""MiDaS DPT: rows on photographs, with the real processor and a tiny model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.depth import tiny

pytestmark = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "midas-dpt", [tiny.midas_dpt(tmp_path / "model")])
    for one in rows.values():
        assert (one.row["depth_kind"], one.row["unit"]) == ("inverse", None)
        assert (one.row["map_width"], one.row["map_height"]) == (96, 96)
        assert one.row["map_box"] == [0, 0, *one.size]
        assert one.map is not None and 0 <= np.nanmin(one.map) < np.nanmax(one.map)


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "midas-dpt", [tiny.midas_dpt_full(tmp_path / "model")], PHOTOGRAPHS[:3])
    assert {(one.row["map_width"], one.row["map_height"]) for one in rows.values()} == {(384, 384)}
