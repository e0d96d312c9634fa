"""What goes wrong in a pass over the network, in one line that says which setting helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from humanverse.errors import UserError, one_line
from humanverse.loading.processes import DEAD, is_of_a_dead_process
from humanverse.plurals import plural
from humanverse.training.checkpoints import RunFolder
from humanverse.training.settings import TrainSettings


@contextmanager
def told_in_one_line(settings: TrainSettings, folder: RunFolder) -> Iterator[None]:
    """Whatever is done inside.

    Args:
        settings: of the run.
        folder: of the run; with a checkpoint it cannot go on with all other settings.

    Raises:
        UserError: if memory is short, the network cannot be compiled, or a process that makes batches is killed.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_short_memory(error):
            raise UserError(_less_memory(settings, folder.latest() is not None)) from error
        if is_of_a_dead_process(error):
            raise UserError(DEAD) from error
        if settings.compile and _is_of_the_compiler(error):
            said = f"with {settings.compile_backend}: {one_line(error, 200)}"
            raise UserError(f"the network cannot be compiled {said}: set compile=false") from error
        raise


def is_short_memory(error: BaseException) -> bool:
    """Whether PyTorch, on whatever device, or Python had no memory left."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error)


def _is_of_the_compiler(error: BaseException) -> bool:
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException)


def _less_memory(settings: TrainSettings, has_checkpoint: bool) -> str:
    ways = ["make micro_batch smaller (batch may stay)"] if settings.micro_batch > 1 else []
    ways += [] if settings.gradient_checkpointing else ["set gradient_checkpointing=true"]
    ways += [
        "begin another run, with smaller data.buckets" if has_checkpoint else "give smaller data.buckets",
        *([] if settings.sharding == "fsdp" else ["share the weights by sharding=fsdp"]),
    ]
    return f"memory is too small for passes of {plural(settings.micro_batch, 'sample')}: {', or '.join(ways)}"
