"""Old pickled checkpoints into safetensors: ``humanverse models convert``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from annotators.cache import WeightError
from annotators.torch.unpickling import read
from annotators.torch.weights import choose
from humanverse.errors import one_line


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        path: of the file.
        tensors: how many.
        size: their bytes.
        key: where in the checkpoint they were, empty for all of it; ``others``: where others are.
    """

    path: Path
    tensors: int
    size: int
    key: str = ""
    others: tuple[str, ...] = ()


def convert(source: Path, target: Path, key: str | None = None) -> Converted:
    """Write the tensors of a pickled checkpoint, and nothing else of it, as safetensors. No code of the checkpoint is run.

    Args:
        source: a file of ``torch.save``.
        target: ends in ``.safetensors``; appears whole or not at all.
        key: where in the checkpoint the weights are, if it holds several sets of them.

    Raises:
        WeightError: if the source is not readable without running code, or the names are not right.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if target.suffix != ".safetensors":
        raise WeightError(f"{target}: give a name that ends in .safetensors")
    if not source.is_file():
        raise WeightError(f"no checkpoint at {source}: give the path of a file")
    chosen = choose(read(source), source, key)
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in chosen.tensors.items()}
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    try:
        part.touch()
        usual = part.stat().st_mode
        save_file(tensors, part, metadata={"format": "pt"})
        part.chmod(usual)
        part.replace(target)
    except (OSError, SafetensorError) as error:
        raise WeightError(f"{target} cannot be written: {one_line(error, 120)}") from error
    finally:
        part.unlink(missing_ok=True)
    return Converted(target, len(tensors), sum(tensor.nbytes for tensor in tensors.values()), chosen.key, chosen.others)
