"""What the search is given of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from humanverse.codec.phash import has_detail
from humanverse.dataset.reader import Dataset
from humanverse.similar.samples import keys, read
from tests.similar import hashes, similar_dataset


def table(*samples: tuple[str, int]) -> pa.Table:
    uids, found = zip(*samples, strict=True)
    return pa.table({"uid": list(uids), "phash": pa.array(found, pa.uint64())})


def test_without_detail_only_equal_bytes_have_one_key() -> None:
    detailed = hashes(1)[0]
    white = 1 << 63
    as_many_bits = f"{hashes(1, seed=5)[0]:016x}" + "0" * 16
    found = keys(
        table(("a" * 32, detailed), ("b" * 32, white), ("c" * 32, white), ("b" * 32, white), (as_many_bits, white))
    )
    assert found[0] == detailed
    assert found[1] == found[3]
    assert len(np.unique(found)) == 4
    assert has_detail(found).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(("prefer", "order"), [("first", [0, 1, 5, 6]), ("largest", [5, 1, 0, 6])])
def test_the_preferred_come_first(tmp_path: Path, prefer: str, order: list[int]) -> None:
    found = hashes(4)
    sizes = [100, 200, 300, 100]
    items = [{"picture": i, "phash": found[i], "original_width": sizes[i]} for i in range(4)]
    similar_dataset(tmp_path / "d", [items[:2], items[2:]])
    seen: list[int] = []
    samples = read(Dataset(str(tmp_path / "d")), [1, 0], prefer, seen.append)
    assert samples.rows.tolist() == order
    assert samples.keys.tolist() == [dict(zip([0, 1, 5, 6], found, strict=True))[row] for row in order]
    assert seen == [2, 2]
