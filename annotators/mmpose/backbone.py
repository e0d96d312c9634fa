"""The plain vision transformer of ViTPose as a backbone in MMPose's registry.

MMPose's own ViTPose configs name the ``VisionTransformer`` of another library, mmpretrain, which was called mmcls before. What
they say of it is said to this one instead, so that they run without that library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from annotators.networks.vitpose import Backbone, Shape

NAME = "HumanverseViT"
"""In MMPose's registry of models."""

ARCHITECTURES: Mapping[str, tuple[int, int, int]] = {
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
    "huge": (1280, 32, 16),
}
"""mmpretrain's name -> width, blocks, heads."""

_VITPOSE = {"patch_size": 16, "qkv_bias": True, "with_cls_token": False, "patch_cfg": {"padding": 2}}
FIXED: Mapping[str, Mapping[str, Any]] = {
    "mmpretrain.VisionTransformer": {**_VITPOSE, "out_type": "featmap"},
    "mmcls.VisionTransformer": {**_VITPOSE, "output_cls_token": False},
}
"""Their transformer -> what it must be told to be this one."""
_READ = ("arch", "img_size")
_OF_TRAINING = ("drop_path_rate", "drop_rate", "init_cfg", "frozen_stages")
_SIZES = ("embed_dims", "num_layers", "num_heads")


class HumanverseViT(Backbone):
    """The transformer, with its patches in a tuple, as MMPose's heads take them.

    Args:
        width: of the transformer.
        blocks: of it.
        heads: of its attention.
        img_size: (height, width) of the pictures, in pixels.
        init_cfg: not used: all weights are loaded.
    """

    def __init__(
        self, width: int, blocks: int, heads: int, img_size: Sequence[int], init_cfg: Mapping[str, Any] | None = None
    ) -> None:
        height, across = img_size
        super().__init__(Shape(width=width, blocks=blocks, heads=heads, input=(across, height)))

    def forward(self, images: Tensor) -> tuple[Tensor]:  # type: ignore[override]
        """One tensor (batch, width, rows, columns)."""
        return (super().forward(images),)


def register() -> None:
    """Make ``NAME`` known to MMPose; more than once does nothing more."""
    from mmpose.registry import MODELS

    if NAME not in MODELS:
        MODELS.register_module(name=NAME, module=HumanverseViT)


def instead_of_theirs(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of its backbone, with this one where it names theirs.

    Raises:
        ValueError: if that is to be of a form that this one has not.
    """
    kind = str(backbone.get("type"))
    if kind not in FIXED:
        return dict(backbone)
    fixed = FIXED[kind]
    wrong = [key for key, value in fixed.items() if backbone.get(key) != value]
    wrong += [key for key in backbone if key not in ("type", *fixed, *_READ, *_OF_TRAINING)]
    if wrong:
        raise ValueError(f"{kind} is known here as ViTPose has it, and not with another {wrong[0]}")
    width, blocks, heads = _sizes(backbone["arch"])
    return {"type": NAME, "width": width, "blocks": blocks, "heads": heads, "img_size": backbone["img_size"]}


def _sizes(arch: Any) -> tuple[int, ...]:
    if isinstance(arch, str) and arch in ARCHITECTURES:
        return ARCHITECTURES[arch]
    sizes = arch if isinstance(arch, Mapping) else {}
    if set(sizes) == {*_SIZES, "feedforward_channels"} and sizes["feedforward_channels"] == 4 * sizes["embed_dims"]:
        return tuple(sizes[key] for key in _SIZES)
    raise ValueError(f"ViTPose has no transformer of arch {arch}")
