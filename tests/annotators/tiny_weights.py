"""Tiny random weights for every estimator that presets name, and what makes networks tiny whose size is not in their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from annotators import registry
from annotators.aesthetic import laion_mlp, siglip_mlp
from annotators.networks.aesthetic_mlp import AestheticMlp
from annotators.networks.clip_nsfw_mlp import ClipNsfwMlp
from annotators.networks.dpt_hybrid import DptHybrid
from annotators.networks.siglip_aesthetic_mlp import SiglipAestheticMlp
from annotators.networks.vitpose import ViTPose
from annotators.safety import laion_clip
from tests.annotators import tiny, tiny_towers
from tests.annotators.caption import tiny as captions
from tests.annotators.depth import tiny as depths
from tests.annotators.networks.dpt_reference import TINY as TINY_DPT
from tests.annotators.pose import test_vitpose_wholebody as vitpose
from tests.annotators.pose import tiny as poses
from tests.annotators.segmentation import tiny as parts


@dataclass(frozen=True)
class Tiny:
    """How an estimator becomes tiny.

    Attributes:
        write: its weights into a folder that is there; their paths.
        instead: attribute of its class -> what is there instead. Other processes do not see it.
    """

    write: Callable[[Path], Sequence[Path]]
    instead: dict[str, Any] | None = None


def _folder(make: Callable[[Path], Path]) -> Callable[[Path], Sequence[Path]]:
    return lambda folder: [make(folder / "model")]


def _omnidata(outputs: int) -> Tiny:
    return Tiny(
        lambda folder: [depths.omnidata(folder / "omnidata.ckpt", outputs)],
        {"network": lambda self: DptHybrid(self.outputs, TINY_DPT)},
    )


def _clip(*heads: tuple[Any, Callable[[], Any], float]) -> Tiny:
    """An estimator on CLIP's tower for pictures.

    Args:
        heads: the weight that each is, what makes it, and where its answers lie.
    """

    def write(folder: Path) -> Sequence[Path]:
        tiny_towers.know_clip(folder)
        return [tiny_towers.clip(folder), *(_head(folder / weight.file_name, make, at) for weight, make, at in heads)]

    return Tiny(write, {"architecture": tiny_towers.CLIP})


def _head(path: Path, make: Callable[[], Any], at: float = 0.0) -> Path:
    """Random weights of a network, by ``torch.save``; the bias of the last layer is ``at``."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = make()
    biases = [tensor for name, tensor in network.state_dict().items() if name.endswith("bias")]
    biases[-1].fill_(at)
    torch.save(network.state_dict(), path)
    return path


def _timm(kind: str, name: str, architecture: str) -> Tiny:
    """A classifier of timm, with another body."""

    def write(folder: Path) -> Sequence[Path]:
        found: Any = registry.get(kind, name)
        return [_head(folder / "model.pt", lambda: found().network())]

    return Tiny(write, {"architecture": architecture})


def _siglip_aesthetic(folder: Path) -> Sequence[Path]:
    head = _head(folder / siglip_mlp.HEAD.file_name, lambda: SiglipAestheticMlp(tiny_towers.SIGLIP_WIDTH), 5.0)
    return [tiny_towers.siglip(folder / siglip_mlp.SIGLIP.file_name), head]


TINY: dict[tuple[str, str], Tiny] = {
    ("person", "yolos-tiny"): Tiny(_folder(tiny.yolos)),
    ("person", "d-fine"): Tiny(_folder(tiny.dfine)),
    ("person", "rt-detr"): Tiny(_folder(tiny.rtdetr)),
    ("pose", "vitpose-h-wholebody"): Tiny(
        lambda folder: [vitpose.checkpoint(folder / "vitpose.pth")], {"network": lambda self: ViTPose(vitpose.TINY)}
    ),
    ("pose", "sapiens2"): Tiny(_folder(poses.sapiens2)),
    ("depth", "omnidata"): _omnidata(1),
    ("depth", "midas-dpt"): Tiny(_folder(depths.midas_dpt)),
    ("depth", "depth-anything-v2"): Tiny(_folder(depths.depth_anything)),
    ("normal", "omnidata"): _omnidata(3),
    ("normal", "sapiens2"): Tiny(_folder(parts.sapiens2_normal)),
    ("caption", "blip-2"): Tiny(_folder(captions.blip2)),
    ("caption", "florence-2"): Tiny(_folder(captions.florence2)),
    ("caption", "qwen-vl"): Tiny(_folder(captions.qwen_vl)),
    ("aesthetic", "improved-aesthetic"): _clip((laion_mlp.HEAD, AestheticMlp, 5.0)),
    ("aesthetic", "siglip"): Tiny(_siglip_aesthetic, {"width": tiny_towers.SIGLIP_WIDTH}),
    ("safety", "laion-clip"): _clip((laion_clip.HEAD, ClipNsfwMlp, 0.0)),
    ("safety", "marqo"): _timm("safety", "marqo", "test_vit"),
    ("watermark", "laion"): _timm("watermark", "laion", "test_efficientnet"),
    ("watermark", "convnext-tiny"): _timm("watermark", "convnext-tiny", "test_convnext"),
    ("similarity", "clip-l14"): _clip(),
    ("similarity", "siglip2"): Tiny(_folder(tiny_towers.siglip)),
    ("segmentation", "sapiens2"): Tiny(_folder(parts.sapiens2_parts)),
}


def written(layer: str, folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """Tiny weights for the estimator ``<kind>/<name>``, which is made tiny until ``patch`` ends."""
    kind, _, name = layer.partition("/")
    made = TINY[kind, name]
    for attribute, value in (made.instead or {}).items():
        patch.setattr(registry.get(kind, name), attribute, value)
    place = folder / kind / name
    place.mkdir(parents=True)
    return [str(path) for path in made.write(place)]
