"""A disk that is full while a run writes, as one line: each library says it in words of its own."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import SafetensorError

from humanverse.errors import UserError
from humanverse.plurals import plural
from humanverse.training.checkpoints import RunFolder

_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = ("os error 28", "os error 122", "No space left", "quota exceeded", "iostream error", "inline_container")
"""safetensors has the system's number; ``torch.save`` only says that its stream, or its archive, could not be written."""


def is_full(error: BaseException) -> bool:
    """Whether ``error`` is what a library says where a disk is full."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _CODES
    return any(word.lower() in str(error).lower() for word in _WORDS)


def size_of(held: Any) -> int:
    """Bytes of all tensors in modules, mappings and sequences, in any depth."""
    if isinstance(held, torch.nn.Module):
        return size_of(held.state_dict())
    if isinstance(held, Mapping):
        return sum(size_of(value) for value in held.values())
    if isinstance(held, torch.Tensor):
        return held.nbytes
    if isinstance(held, Sequence) and not isinstance(held, str):
        return sum(size_of(value) for value in held)
    return 0


@contextmanager
def told_if_full(what: str, folder: RunFolder, size: Callable[[], int]) -> Iterator[None]:
    """Inside, something is written to the run's folder.

    Args:
        what: is written, and whether its size is known: ``a checkpoint takes about``.
        folder: of the run; what was written by half is removed.
        size: how many bytes that takes, asked only if it failed.

    Raises:
        UserError: if the disk is full.
    """
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not is_full(error):
            raise
        folder.remove_parts()
        there = folder.checkpoints()
        kept = f"the checkpoint of {plural(there[-1], 'sample')} stays" if there else "there is no checkpoint yet"
        free = shutil.disk_usage(folder.path).free
        raise UserError(
            f"the disk of {folder.path} is full: {what} {size() / 1e6:.0f} MB, {free / 1e6:.0f} MB are "
            f"free; {kept}: make room, or keep fewer by checkpoint.keep, and run the same command again"
        ) from error
