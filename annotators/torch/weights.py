"""Weights as tensors: read without running anything that a file brings along, and loaded by name and shape, all of them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotators import first_bytes
from annotators.cache import WeightError
from humanverse.errors import one_line

Tensors = dict[str, Any]
"""Name -> tensor."""

WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "module", "params_ema", "params", "ema", "net")
"""Under what checkpoints keep their weights beside other things, best first."""


def tensors_of(path: Path) -> Tensors:
    """The tensors of a checkpoint by name, on the CPU: of a ``.safetensors`` file, or of a pickle that holds nothing but tensors
    and plain containers (torch's ``weights_only``).

    Raises:
        WeightError: if it is neither (see also ``annotators.first_bytes``); of a pickle with more in it the line names
            ``humanverse models convert``.
    """
    first_bytes.check(path)
    if path.suffix == ".safetensors":
        return _safe(path)
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not first_bytes.is_pickled(path):
            raise WeightError(f"{path} is no checkpoint: it was not written by torch.save") from error
        what = "with more than tensors in it" if "global" in str(error).lower() else "of an unusual protocol"
        raise WeightError(
            f"{path} is a pickle {what}, and is not loaded: "
            f"humanverse models convert {path} OUT.safetensors takes the tensors out, if there is no code"
        ) from error
    except (OSError, EOFError, KeyError, RuntimeError, ValueError) as error:
        raise WeightError(f"{path} is no checkpoint that can be read ({one_line(error, 120)})") from error
    return state(found, path)


def _safe(path: Path) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise WeightError(f"{path} is no safetensors file that can be read ({one_line(error, 120)})") from error


def state(found: Any, path: Path, key: str | None = None) -> Tensors:
    """The tensors by name in what a checkpoint holds, see ``choose``."""
    return choose(found, path, key).tensors


@dataclass(frozen=True)
class Choice:
    """The tensors that are taken of a checkpoint.

    Attributes:
        tensors: by name.
        key: where they lie, as ``ema.module``; empty if they are the checkpoint itself.
        others: where others lie.
    """

    tensors: Tensors
    key: str
    others: tuple[str, ...]


def choose(found: Any, path: Path, key: str | None = None, tensor: type | None = None) -> Choice:
    """What is taken of what a checkpoint holds: itself, or what lies under one of ``WRAPPERS``, or under ``key``.

    Args:
        found: the checkpoint.
        path: of it, for the error.
        key: where the tensors are, as ``ema.module``.
        tensor: what counts as one; None for torch's.

    Raises:
        WeightError: if there are none, or several and none has a usual name.
    """
    states = dict(_states(found, (), tensor or _torchs()))
    ranked = sorted(states, key=lambda place: [_rank(name) for name in place])
    if key is not None:
        taken = tuple(key.split("."))
        if taken not in states:
            raise WeightError(f"{path} has no tensors under {key!r}: there are {_names(states) or 'none'}")
    elif () in states:
        taken = ()
    elif not ranked or (len(ranked) > 1 and _rank(ranked[0][0]) == len(WRAPPERS)):
        raise WeightError(
            f"{path} holds no tensors by name" if not ranked else f"{path} holds several: {_names(states)}"
        )
    else:
        taken = ranked[0]
    others = tuple(".".join(place) for place in ranked if place not in (taken, ()))
    return Choice(states[taken], ".".join(taken), others)


def _rank(name: str) -> int:
    return WRAPPERS.index(name) if name in WRAPPERS else len(WRAPPERS)


def _names(states: Mapping[tuple[str, ...], Tensors]) -> str:
    return ", ".join(".".join(place) or "the file itself" for place in states)


def _torchs() -> type:
    import torch

    return torch.Tensor


def _states(found: Any, place: tuple[str, ...], tensor: type) -> Iterator[tuple[tuple[str, ...], Tensors]]:
    """Every mapping with tensors in it and where it lies; an optimiser's are under numbers and so are not meant."""
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        return
    tensors = {name: value for name, value in found.items() if isinstance(value, tensor)}
    if tensors:
        yield place, tensors
    for name, value in found.items():
        yield from _states(value, (*place, name), tensor)


def load_strictly(network: Any, tensors: Mapping[str, Any], path: Path) -> Any:
    """``network`` with ``tensors`` as its parameters and buffers; every name must be in both, with one shape.

    Args:
        network: a ``torch.nn.Module``.
        tensors: by the network's own names.
        path: where they come from, for the error.

    Raises:
        WeightError: names the first tensors that are missing, left over, or of another shape.
    """
    wanted = network.state_dict()
    faults = [f"lacks {name}" for name in wanted if name not in tensors]
    faults += [f"has {name}, which the network has not" for name in tensors if name not in wanted]
    faults += [
        f"{name} is {list(tensors[name].shape)} instead of {list(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise WeightError(f"{path} is not of this network: {'; '.join(faults[:3])}{more}")
    network.load_state_dict(tensors, strict=True)
    return network
