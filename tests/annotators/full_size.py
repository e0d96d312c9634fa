"""Every estimator on PyTorch in its real size with random weights: for measuring, and for tests that take their time."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotators import registry
from annotators.base import Annotator
from annotators.segmentation.sapiens2 import PARTS as SAPIENS2_PARTS
from annotators.weights import Weight, from_path
from tests.annotators.tiny import saved

SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
PARTS_HEAD = {"upsample_out_channels": [512, 256, 128, 64], "conv_out_channels": [64, 64]}
SHUFFLED_HEAD = {
    "use_pixel_shuffle": True,
    "upsample_out_channels": [512, 256, 128, 64],
    "upsample_kernel_size": 3,
    "conv_out_channels": [64, 32, 16],
    "conv_kernel_size": 3,
}
POINTS_HEAD = {**SHUFFLED_HEAD, "scale_conv_out_channels": [1536, 512], "scale_final_hidden_sizes": [512, 128]}
POSE_HEAD = {"upsample_out_channels": [1024, 768], "conv_out_channels": [512, 512, 256]}
"""Of Sapiens2; but for those of parts and of poses, the heads' widths are a guess."""


@dataclass(frozen=True)
class Full:
    """How an estimator is had in its real size.

    Attributes:
        write: random weights into a folder that is there; their paths, in the card's order.
        annotator: ``module:class`` that stands in for the registered one, where weights are drawn when it loads.
    """

    write: Callable[[Path], Sequence[Path]] = lambda folder: []
    annotator: str | None = None


def _named(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _folder(target: str, *more: Any) -> Full:
    """A folder that the function ``module:name`` writes."""
    return Full(lambda folder: [_named(target)(folder / "model", *more)])


def _network(kind: str, name: str) -> Full:
    """A file with the tensors of the annotator's own ``network``."""
    return Full(lambda folder: [_tensors(folder / "network.pth", lambda: _network_of(kind, name))])


def _network_of(kind: str, name: str) -> Any:
    found: Any = registry.get(kind, name)
    return found().network()


def _tensors(path: Path, make: Callable[[], Any]) -> Path:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(make().state_dict(), path)
    return path


def _clip(head: str | None = None) -> Full:
    """CLIP ViT-L/14, and a head: ``module:class`` of a network."""

    def write(folder: Path) -> Sequence[Path]:
        from annotators.torch.clip_images import OPENAI_L14_ARCHITECTURE
        from tests.annotators import tiny_towers

        towers = tiny_towers.clip(folder, OPENAI_L14_ARCHITECTURE)
        return [towers, _tensors(folder / "head.pth", lambda: _named(head)())] if head else [towers]

    return Full(write)


def siglip(folder: Path) -> Path:
    """SigLIP 2 So400m, both towers."""
    from tests.annotators import tiny_towers

    text = {"vocab_size": 256_000, "max_position_embeddings": 64, "projection_size": 1152}
    ends = {"bos_token_id": 2, "eos_token_id": 1}
    return tiny_towers.siglip(folder, {**SO400M, "image_size": 384, "patch_size": 14}, {**SO400M, **text, **ends})


def _siglip_aesthetic(folder: Path) -> Sequence[Path]:
    from annotators.networks.siglip_aesthetic_mlp import SiglipAestheticMlp

    return [siglip(folder / "siglip"), _tensors(folder / "head.pth", SiglipAestheticMlp)]


def _in(dtype: str, make: Callable[[], Any]) -> Any:
    """What ``make`` builds, its weights drawn in torch's ``dtype``."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        return make()
    finally:
        torch.set_default_dtype(before)


def blip2(folder: Path, dtype: str = "float32") -> Path:
    """BLIP-2 with OPT-2.7b: 15 GB in float32, and as much again while it is written or loaded; half of it in 16 bits."""
    from transformers import Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessor, GPT2Tokenizer

    from tests.annotators.caption.test_blip2 import published

    names = ["<s>", "<pad>", "</s>", "<unk>", *(f"word{number}" for number in range(50261)), "<image>"]
    special: Any = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "</s>"}
    tokenizer = GPT2Tokenizer(vocab={name: number for number, name in enumerate(names)}, merges=[], **special)
    images = BlipImageProcessor(size={"height": 224, "width": 224})
    processor = Blip2Processor(images, tokenizer, num_query_tokens=32)
    return saved(folder, lambda: _in(dtype, lambda: Blip2ForConditionalGeneration(published(None))), processor)


def qwen_vl(folder: Path, dtype: str = "float32") -> Path:
    """Qwen3-VL-4B: 18 GB in float32, and as much again while it is written or loaded; half of it in 16 bits.

    With a tokenizer of few words that mean anything.
    """
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    from tests.annotators.caption import tiny

    tokenizer = tiny.qwen_tokenizer(words=151_600)
    config: Any = Qwen3VLConfig(**tiny.qwen_full(), **tiny.qwen_ids(tokenizer))
    make = lambda: _in(dtype, lambda: Qwen3VLForConditionalGeneration(config))  # noqa: E731
    return saved(folder, make, tiny.qwen_processor(tokenizer))


def falconsai(folder: Path) -> Path:
    """ViT-B/16."""
    from tests.annotators.safety.test_falconsai import LABELS, vit

    return vit(folder, LABELS, {})


def vitpose_plus(folder: Path) -> Path:
    """ViTPose+-H, with its six experts."""
    from tests.annotators.pose.tiny import vitpose

    sizes: Any = {"image_size": [256, 192], "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16}
    return vitpose(folder, experts=6, simple=False, **sizes, part_features=320, out_indices=[32])


def mmpose(folder: Path) -> Path:
    """What ``pose=mmpose`` runs if nothing is said."""
    from annotators.mmpose.configs import DEFAULT
    from tests.annotators.mmpose.tiny import weights

    return weights(folder / "mmpose.pth", DEFAULT)


DETECTORS = "tests.annotators.person.test_transformers_detector"
PARTS = "tests.annotators.segmentation.tiny"
FULL: dict[tuple[str, str], Full] = {
    ("person", "yolos-tiny"): _folder(f"{DETECTORS}:full_yolos"),
    ("person", "d-fine"): _folder(f"{DETECTORS}:full_dfine"),
    ("person", "rt-detr"): _folder(f"{DETECTORS}:full_rtdetr"),
    ("pose", "vitpose-h-wholebody"): _network("pose", "vitpose-h-wholebody"),
    ("pose", "mmpose"): Full(lambda folder: [mmpose(folder)]),
    ("pose", "sapiens2"): _folder(f"{PARTS}:sapiens2_full", "Sapiens2ForPoseEstimation", 308, POSE_HEAD, False),
    ("pose", "vitpose-transformers"): Full(lambda folder: [vitpose_plus(folder / "model")]),
    ("depth", "omnidata"): _network("depth", "omnidata"),
    ("depth", "midas-dpt"): _folder("tests.annotators.depth.tiny:midas_dpt_full"),
    ("depth", "depth-anything-v2"): _folder("tests.annotators.depth.tiny:depth_anything_full"),
    ("depth", "sapiens2"): _folder(f"{PARTS}:sapiens2_full", "Sapiens2ForPointmapEstimation", 3, POINTS_HEAD, True),
    ("depth", "depth-pro"): Full(annotator="tests.annotators.depth.test_depth_pro:FullDepthPro"),
    ("normal", "omnidata"): _network("normal", "omnidata"),
    ("normal", "marigold"): Full(annotator="tests.annotators.normal.test_marigold:FullMarigold"),
    ("normal", "sapiens2"): _folder(f"{PARTS}:sapiens2_full", "Sapiens2ForNormalEstimation", 3, SHUFFLED_HEAD, True),
    ("segmentation", "sapiens2"): _folder(
        f"{PARTS}:sapiens2_full", "Sapiens2ForSemanticSegmentation", len(SAPIENS2_PARTS), PARTS_HEAD, False
    ),
    ("segmentation", "segformer-clothes"): _folder(f"{PARTS}:segformer_full"),
    ("caption", "blip"): _folder("tests.annotators.caption.test_blip:full"),
    ("caption", "blip-2"): Full(lambda folder: [blip2(folder / "model")]),
    ("caption", "florence-2"): _folder("tests.annotators.caption.test_florence2:full"),
    ("caption", "qwen-vl"): Full(lambda folder: [qwen_vl(folder / "model")]),
    ("aesthetic", "improved-aesthetic"): _clip("annotators.networks.aesthetic_mlp:AestheticMlp"),
    ("aesthetic", "siglip"): Full(_siglip_aesthetic),
    ("safety", "laion-clip"): _clip("annotators.networks.clip_nsfw_mlp:ClipNsfwMlp"),
    ("safety", "falconsai"): Full(lambda folder: [falconsai(folder / "model")]),
    ("safety", "marqo"): _network("safety", "marqo"),
    ("watermark", "laion"): _network("watermark", "laion"),
    ("watermark", "convnext-tiny"): _network("watermark", "convnext-tiny"),
    ("similarity", "clip-l14"): _clip(),
    ("similarity", "siglip2"): Full(lambda folder: [siglip(folder / "model")]),
    ("embedding", "clip-l14"): _clip(),
    ("embedding", "siglip2"): Full(lambda folder: [siglip(folder / "model")]),
    ("latent", "sd2"): _folder("tests.annotators.latent.full:vae"),
    ("latent", "sdxl"): _folder("tests.annotators.latent.full:vae"),
    ("prompt", "sd2"): _folder("tests.annotators.latent.full:text"),
}
"""(kind, name) -> how it is had. What is named in text is imported when it is asked for."""


def full(kind: str, name: str, folder: Path) -> tuple[type[Annotator], dict[Weight, Weight]]:
    """The class of an estimator and random weights of its real architecture.

    Args:
        kind: of the estimator.
        name: of it; a key of ``FULL`` with its kind.
        folder: for the weights; it must be there and empty.
    """
    made = FULL[kind, name]
    found = _named(made.annotator) if made.annotator else registry.get(kind, name)
    paths = made.write(folder)
    return found, {weight: from_path(path) for weight, path in zip(found.card.weights, paths, strict=True)}
