"""The two captioners that do not fit the others' slow tests: whole, with random weights in bfloat16, by the real ``annotate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.annotators import added, full_size
from tests.annotators.photographs import PERSON, SEVERAL

NEEDED = 14 * 2**30
"""Bytes of memory, at the most, for 8 to 9 GB of weights that are read while they are copied."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not added.photographs_here(), reason="the shared photographs are not here"),
    pytest.mark.skipif(psutil.virtual_memory().available < NEEDED, reason="less than 14 GiB of memory are free"),
]


@pytest.mark.parametrize(
    ("name", "write", "settings"),
    [
        ("blip-2", full_size.blip2, {"beams": 2, "max_new_tokens": 3}),
        ("qwen-vl", full_size.qwen_vl, {"max_new_tokens": 3, "max_pixels": 256 * 256}),
    ],
)
def test_the_whole_network_captions_photographs(
    tmp_path: Path, name: str, write: Callable[[Path, str], Path], settings: dict[str, Any]
) -> None:
    place = added.place_of(tmp_path, (SEVERAL, PERSON))
    weights = write(tmp_path / "model", "bfloat16")
    rows = added.add(place, "caption", name, name, [weights], dtype="bfloat16", threads=2, **settings)
    assert len(rows) == 2 and all(isinstance(said.row["text"], str) and said.row["text"] for said in rows.values())
