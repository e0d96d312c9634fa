"""Pipelines of the diffusers library, out of a folder and never out of the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annotators.cache import WeightError
from annotators.contents import check_tensors
from annotators.folders import SAFE, counted
from annotators.torch.pretrained import refuse_code
from humanverse.errors import one_line
from humanverse.torchvision_operators import prepare_torchvision


def pipeline(kind: str, folder: Path, what: str, **options: Any) -> Any:
    """A pipeline with its networks, float32, on the CPU; it shows no progress.

    Args:
        kind: name of its class in diffusers.
        folder: as its ``save_pretrained`` writes it.
        what: of which model, for the error.
        options: for ``from_pretrained``.

    Raises:
        WeightError: if the folder holds no such pipeline; or as ``annotators.torch.pretrained.refuse_code``.
    """
    refuse_code(folder)
    check_tensors(folder)
    prepare_torchvision()
    import diffusers
    import torch
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    safe = any(path.suffix in SAFE for path in counted(folder))
    try:
        found: Any = getattr(diffusers, kind).from_pretrained(
            folder, local_files_only=True, use_safetensors=safe, dtype=torch.float32, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        raise WeightError(f"{folder} holds no {what} model that can be loaded ({one_line(error, 160)})") from error
    found.set_progress_bar_config(disable=True)
    return found


def part(kind: str, folder: Path, name: str) -> Any:
    """One network of a pipeline, float32, on the CPU.

    Args:
        kind: name of its class in diffusers.
        folder: of the pipeline, as its ``save_pretrained`` writes it.
        name: of the part, as ``vae``.

    Raises:
        WeightError: if the folder has no such part, it is of another class, or lacks weights, which would be random numbers.
    """
    place = folder / name
    if not (place / "config.json").is_file():
        raise WeightError(f"{folder} has no {name}: give a folder of a pipeline with one, as diffusers saves it")
    found = json.loads((place / "config.json").read_bytes()).get("_class_name")
    if found != kind:
        raise WeightError(f"{place} holds a {found}, not the {kind} that is needed")
    prepare_torchvision()
    import diffusers
    import torch

    safe = any(path.suffix in SAFE for path in counted(place))
    before = diffusers.utils.logging.get_verbosity()
    diffusers.utils.logging.set_verbosity_error()
    try:
        loaded, told = getattr(diffusers, kind).from_pretrained(
            place, local_files_only=True, use_safetensors=safe, torch_dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        raise WeightError(f"{place} holds no {kind} that can be loaded ({one_line(error, 160)})") from error
    finally:
        diffusers.utils.logging.set_verbosity(before)
    if lacking := sorted(map(str, told["missing_keys"])):
        raise WeightError(f"{place} lacks weights of {kind}: {', '.join(lacking[:3])}")
    return loaded


def networks(whole: Any) -> Any:
    """A pipeline's networks in one module: they are moved and cast together, and the pipeline goes on using them."""
    import torch

    return torch.nn.ModuleDict({name: getattr(whole, name) for name in ("unet", "vae", "text_encoder")})
