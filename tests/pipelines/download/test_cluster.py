from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from humanverse.errors import UserError
from pipelines.download.cluster import address_of_cluster, check_visible
from pipelines.engine import on_ray


@pytest.fixture
def cluster() -> Iterator[None]:
    started = on_ray.connect()
    yield
    if started:
        import ray

        ray.shutdown()


def test_a_cluster_has_an_address_and_sees_what_is_there(
    cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert address_of_cluster().rpartition(":")[2].isdigit()
    check_visible([tmp_path])
    with pytest.raises(UserError, match=r"nowhere is not on node .*: put it on storage that all nodes share"):
        check_visible([tmp_path, tmp_path / "nowhere"])
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    assert address_of_cluster() == "ray://head:10001"
