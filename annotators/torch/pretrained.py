"""Models of the transformers library, out of a folder and never out of the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotators.cache import WeightError
from annotators.contents import check_tensors
from annotators.folders import SAFE, counted
from humanverse.errors import one_line
from humanverse.torchvision_operators import prepare_torchvision


def model(kind: str, folder: Path, dtype: Any = None, idle: tuple[str, ...] = (), **options: Any) -> Any:
    """A model with all of its weights, on the CPU.

    Args:
        kind: name of its class in transformers.
        folder: with ``config.json`` and weights, as ``save_pretrained`` writes them.
        dtype: torch's, of its weights; None is float32. Constants that it computes itself, such as the frequencies of rotary
            positions, stay as it makes them: in 16 bits, positions would run together.
        idle: how names of tensors begin that the model has and never uses; these may be missing.
        options: for ``from_pretrained``.

    Raises:
        WeightError: if the folder is of another kind of model, or lacks weights: what it lacks would be random numbers; or as
            ``refuse_code``.
    """
    refuse_code(folder)
    check_tensors(folder)
    with _quietly(folder) as transformers:
        import torch

        wanted = getattr(transformers, kind)
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if config.model_type != wanted.config_class.model_type:
            raise WeightError(f"{folder} holds a {config.model_type} model, not {wanted.config_class.model_type}")
        loaded, told = wanted.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=any(path.suffix in SAFE for path in counted(folder)),
            dtype=dtype or torch.float32,
            output_loading_info=True,
            **options,
        )
        missing = [name for name in told["missing_keys"] if not name.startswith(idle)]
        lacking = sorted(map(str, {*missing, *told["mismatched_keys"]}))
        if lacking:
            raise WeightError(
                f"{folder} lacks weights of {kind}, or has them in another shape: {', '.join(lacking[:3])}"
            )
    return loaded


def processor(kind: str, folder: Path, **options: Any) -> Any:
    """What turns pictures or texts into a model's inputs and back, with the settings that lie beside the model.

    Args:
        kind: name of its class in transformers.
        folder: that the model is in.
        options: for ``from_pretrained``.

    Raises:
        WeightError: if its settings are not there.
    """
    with _quietly(folder) as transformers:
        return getattr(transformers, kind).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **options
        )


def refuse_code(folder: Path) -> None:
    """Raise WeightError if settings in ``folder`` name code of the hub for attention, which transformers would fetch and run."""
    for path in counted(folder):
        if path.name != "config.json":
            continue
        try:
            said = json.loads((folder / path).read_bytes())
        except ValueError as error:
            raise WeightError(f"{folder / path} is no JSON ({one_line(error, 120)})") from error
        code = next((text for text in _implementations(said) if "/" in text), None)
        if code:
            raise WeightError(f"{folder / path} names {code}, which is code, and is not run: take that setting out")


def _implementations(said: Any, of: str = "") -> Iterator[str]:
    """All texts in a model's settings under a key that ends in ``_implementation``, at any depth."""
    if isinstance(said, str) and of.endswith("_implementation"):
        yield said
    if isinstance(said, dict):
        for key, value in said.items():
            yield from _implementations(value, of if of.endswith("_implementation") else key)


@contextmanager
def _quietly(folder: Path) -> Iterator[Any]:
    """transformers without progress bars and advice; its errors as one line."""
    prepare_torchvision()
    import transformers

    transformers.utils.logging.disable_progress_bar()
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        yield transformers
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightError(f"{folder} holds no model that can be loaded ({one_line(error, 200)})") from error
    finally:
        transformers.utils.logging.set_verbosity(before)
