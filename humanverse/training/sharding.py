"""Weights that processes share instead of having all of them each: PyTorch's fully sharded data parallelism (FSDP2).

It works in place: names, forward and state stay, only each weight is a ``DTensor`` of which a process holds its piece. What is
written to disk is whole, the same files as without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor

UNITS = ("BasicTransformerBlock", "ResnetBlock2D")
"""Classes of diffusers whose weights are brought together for as long as they are needed, one module at a time."""


def share(network: nn.Module, device: torch.device) -> None:
    """Leave each process its piece of ``network``, whose weights must be the same in all processes.

    Each ``UNITS`` is a unit, what is left is another; the network's ``forward`` must be called by all processes together.

    Args:
        network: called by its ``forward`` alone, not part by part.
        device: on which it lies.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    for module in network.modules():
        if type(module).__name__ in UNITS:
            fully_shard(module, mesh=mesh, reshard_after_forward=True)
    fully_shard(network, mesh=mesh, reshard_after_forward=True)


def piece(tensor: torch.Tensor) -> torch.Tensor:
    """What this process holds of ``tensor``, the same memory; without gradient."""
    held = tensor.detach()
    return held.to_local() if isinstance(held, DTensor) else held


def like(weight: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``value``, whole and the same in all processes, shared as ``weight`` is if it has its shape."""
    if not isinstance(weight, DTensor) or value.shape != weight.shape:
        return value
    return distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements, src_data_rank=None)


def whole(tree: Any, keep: bool) -> Any:
    """``tree`` of dictionaries and lists with whole tensors on the CPU in place of shared ones; all processes must ask.

    Args:
        tree: anything; what is not shared stays as it is.
        keep: whether this process wants the whole tensors; else they are None.
    """
    if isinstance(tree, DTensor):
        gathered: torch.Tensor = tree.full_tensor().detach()
        return gathered.cpu() if keep else None
    if isinstance(tree, Mapping):
        return {key: whole(value, keep) for key, value in tree.items()}
    if isinstance(tree, list):
        return [whole(value, keep) for value in tree]
    return tree


def whole_part(part: Any, keep: bool) -> Any:
    """A diffusers model that can be saved: ``part``, or if it is shared a copy on the CPU; all processes must ask.

    Args:
        part: whose arguments are in its ``config``.
        keep: whether this process wants the copy; else it is None.
    """
    from torch.distributed.fsdp import FSDPModule

    if not any(isinstance(weight, DTensor) for weight in part.parameters()):
        return part
    state = whole(part.state_dict(), keep)
    if not keep:
        return None
    plain: Any = next(kind for kind in type(part).__mro__ if not issubclass(kind, FSDPModule))
    with torch.device("meta"):
        copy = plain.from_config(part.config)
    copy.register_to_config(**part.config)
    copy.load_state_dict(state, assign=True)
    return copy
