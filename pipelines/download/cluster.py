"""The Ray cluster that this process is connected to, as img2dataset needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from humanverse.errors import UserError


def address_of_cluster() -> str:
    """Where another process on this machine joins the cluster."""
    import ray

    given = os.environ.get("RAY_ADDRESS", "")
    return given if given.startswith("ray://") else str(ray.get_runtime_context().gcs_address)


def check_visible(paths: Sequence[Path]) -> None:
    """Raise UserError if one of ``paths`` is missing on a node of the cluster; all nodes are asked at once."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    look = ray.remote(_missing).options
    asked = [
        look(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            [str(path) for path in paths]
        )
        for node in nodes
    ]
    for node, missing in zip(nodes, ray.get(asked), strict=True):
        if missing:
            raise UserError(
                f"{missing[0]} is not on node {node['NodeManagerHostname']}: put it on storage that all nodes share "
                "(fetch.img2dataset.python and fetch.img2dataset.folder)"
            )


def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not Path(path).exists()]
