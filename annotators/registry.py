"""Which annotators there are. Looking one up imports its module alone; no module imports its model's engine
before ``load``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from annotators.base import Annotator, Card, Loadable
from annotators.outpaint.base import Outpainter
from annotators.weights import Weight, listing, offline
from humanverse.errors import UserError, one_line
from schemas.layers import KINDS
from schemas.recipe_outpaint import OUTPAINT

ANNOTATORS: dict[tuple[str, str], str] = {
    ("person", "ssd-mobilenet-v2"): "annotators.person.ssd:SsdMobileNetV2",
    ("person", "yolos-tiny"): "annotators.person.yolos:YolosTiny",
    ("person", "d-fine"): "annotators.person.dfine:DFine",
    ("person", "rt-detr"): "annotators.person.rtdetr:RtDetr",
    ("pose", "movenet-mediapipe"): "annotators.pose.movenet_mediapipe:MoveNetMediapipe",
    ("pose", "vitpose-h-wholebody"): "annotators.pose.vitpose_wholebody:VitPoseWholebody",
    ("pose", "vitpose-transformers"): "annotators.pose.vitpose_transformers:VitPoseTransformers",
    ("pose", "sapiens2"): "annotators.pose.sapiens2:Sapiens2Pose",
    ("pose", "dwpose"): "annotators.pose.simcc_onnx:DwPose",
    ("pose", "rtmw"): "annotators.pose.simcc_onnx:Rtmw",
    ("pose", "mmpose"): "annotators.pose.mmpose_topdown:MMPoseTopdown",
    ("safety", "open-nsfw"): "annotators.safety.open_nsfw:OpenNsfw",
    ("text", "rapidocr-detector"): "annotators.text.rapidocr_det:RapidOcrDetector",
    ("quality", "pixels"): "annotators.quality.pixels:Pixels",
    ("caption", "template"): "annotators.caption.template:Template",
    ("caption", "blip"): "annotators.caption.blip:Blip",
    ("caption", "blip-2"): "annotators.caption.blip2:Blip2",
    ("caption", "florence-2"): "annotators.caption.florence2:Florence2",
    ("caption", "qwen-vl"): "annotators.caption.qwen_vl:QwenVl",
    ("aesthetic", "improved-aesthetic"): "annotators.aesthetic.laion_mlp:LaionMlp",
    ("aesthetic", "siglip"): "annotators.aesthetic.siglip_mlp:SiglipMlp",
    ("safety", "laion-clip"): "annotators.safety.laion_clip:LaionClip",
    ("safety", "falconsai"): "annotators.safety.falconsai:Falconsai",
    ("safety", "marqo"): "annotators.safety.marqo:Marqo",
    ("watermark", "laion"): "annotators.watermark.laion:Laion",
    ("watermark", "convnext-tiny"): "annotators.watermark.convnext:ConvNext",
    ("embedding", "clip-l14"): "annotators.embedding.clip_l14:ClipL14",
    ("embedding", "siglip2"): "annotators.embedding.siglip2:Siglip2",
    ("similarity", "clip-l14"): "annotators.similarity.clip_l14:ClipL14",
    ("similarity", "clip-l14-caption"): "annotators.similarity.clip_l14:ClipL14Caption",
    ("similarity", "siglip2"): "annotators.similarity.siglip2:Siglip2",
    ("similarity", "siglip2-caption"): "annotators.similarity.siglip2:Siglip2Caption",
    ("depth", "omnidata"): "annotators.depth.omnidata:OmnidataDepth",
    ("depth", "midas-dpt"): "annotators.depth.midas_dpt:MidasDpt",
    ("depth", "depth-anything-v2"): "annotators.depth.depth_anything:DepthAnything",
    ("depth", "depth-pro"): "annotators.depth.depth_pro:DepthPro",
    ("depth", "sapiens2"): "annotators.depth.sapiens2:Sapiens2Depth",
    ("depth", "lite-structure"): "annotators.depth.lite_structure:LiteStructureDepth",
    ("depth", "none"): "annotators.absent:NoDepth",
    ("normal", "omnidata"): "annotators.normal.omnidata:OmnidataNormal",
    ("normal", "marigold"): "annotators.normal.marigold:Marigold",
    ("normal", "sapiens2"): "annotators.normal.sapiens2:Sapiens2Normal",
    ("normal", "lite-structure"): "annotators.normal.lite_structure:LiteStructureNormal",
    ("normal", "none"): "annotators.absent:NoNormal",
    ("segmentation", "sapiens2"): "annotators.segmentation.sapiens2:Sapiens2Segmentation",
    ("segmentation", "segformer-clothes"): "annotators.segmentation.segformer_clothes:SegformerClothes",
    ("latent", "sd2"): "annotators.latent.sd2:Sd2",
    ("latent", "sd2-depth"): "annotators.latent.sd2:Sd2Depth",
    ("latent", "sd2-normal"): "annotators.latent.sd2:Sd2Normal",
    ("latent", "sd2-skeleton"): "annotators.latent.sd2:Sd2Skeleton",
    ("latent", "sdxl"): "annotators.latent.sdxl:Sdxl",
    ("prompt", "sd2"): "annotators.prompt.sd2:Sd2",
    ("prompt", "sd2-caption"): "annotators.prompt.sd2:Sd2Caption",
}
"""(kind, name) -> "module:class". A new estimator is one class in one file and one entry here."""

OUTPAINTERS: dict[str, str] = {
    "edge": "annotators.outpaint.edge:Edge",
    "sd2-inpainting": "annotators.outpaint.sd2_inpainting:Sd2Inpainting",
}
"""Name -> "module:class" of what grows pictures before structure is estimated. They fill no layer."""

CLIENT = "huggingface_hub"
"""The module that fetches weights from a model hub."""

BESIDE: dict[str, str] = {
    "mmpose": "pip install --no-deps mmpose==1.3.2 mmengine==0.10.7 mmcv-lite==2.2.0",
}
"""Extra -> the command for packages that belong to it and must come without their dependencies (``requirements/``)."""


def names(kind: str) -> list[str]:
    """The names of the annotators of one kind, sorted."""
    return sorted(name for of_kind, name in ANNOTATORS if of_kind == kind)


def kinds() -> list[str]:
    """The kinds that have an annotator, sorted."""
    return sorted({kind for kind, _ in ANNOTATORS})


def get(kind: str, name: str) -> type[Annotator]:
    """The annotator's class.

    Raises:
        UserError: if there is none of that kind or name; the line names the choices. Or if its module cannot be imported.
    """
    if not names(kind):
        raise UserError(f"no annotators of kind {kind!r}: choose one of {', '.join(kinds())}")
    if (kind, name) not in ANNOTATORS:
        raise UserError(f"no annotator {kind}={name}: choose one of {', '.join(names(kind))}")
    try:
        found: type[Annotator] = _class(ANNOTATORS[kind, name])
    except Exception as error:
        raise UserError(f"{kind}={name} cannot be imported: {one_line(error)}") from error
    return found


def _class(place: str) -> Any:
    """What ``module:name`` names."""
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def outpainter(name: str) -> type[Outpainter]:
    """What grows pictures: one of ``OUTPAINTERS``, or ``module:Class`` of one that is not listed here.

    Raises:
        UserError: if there is none of that name.
    """
    if ":" not in name and name not in OUTPAINTERS:
        raise UserError(f"no outpainter {name}: choose one of {', '.join(sorted(OUTPAINTERS))}")
    try:
        found = _class(OUTPAINTERS.get(name, name))
    except Exception as error:
        if name in OUTPAINTERS:
            raise UserError(f"{OUTPAINT}={name} cannot be imported: {one_line(error)}") from error
        raise UserError(f"no outpainter {name} ({one_line(error)}): give module:Class, on PYTHONPATH") from error
    if not (isinstance(found, type) and issubclass(found, Outpainter)):
        raise UserError(f"{name} is no outpainter: make it a subclass of annotators.outpaint.base.Outpainter")
    return found


def find(kind: str, name: str) -> type[Annotator]:
    """As ``get``; ``name`` may also be ``module:Class`` of an annotator that is not listed here.

    Raises:
        UserError: if there is none, or it is not an annotator of that kind.
    """
    if ":" not in name:
        return get(kind, name)
    try:
        found = _class(name)
    except Exception as error:
        raise UserError(f"no annotator {name} ({one_line(error)}): give module:Class, on PYTHONPATH") from error
    if not (isinstance(found, type) and issubclass(found, Annotator)):
        raise UserError(f"{name} is no annotator: make it a subclass of annotators.base.Annotator")
    if found.card.kind != kind or kind not in KINDS:
        raise UserError(f"{name} is of kind {found.card.kind}, not {kind}: one of {', '.join(KINDS)} is needed")
    return found


def cards() -> list[Card]:
    """Every annotator's card, by kind and name. Imports no inference engine."""
    return [get(kind, name).card for kind, name in sorted(ANNOTATORS)]


def everything() -> list[type[Loadable]]:
    """The classes of all annotators and, after them, of what grows pictures, without those that cannot be imported (``broken``).
    Imports no inference engine."""
    return [one for one in _each() if not isinstance(one, UserError)]


def broken() -> list[str]:
    """A line for each that cannot be imported, and why: ``depth=omnidata cannot be imported: …``."""
    return [str(one) for one in _each() if isinstance(one, UserError)]


def _each() -> Iterator[type[Loadable] | UserError]:
    finders: list[Callable[[], type[Loadable]]] = [
        *(partial(get, *key) for key in sorted(ANNOTATORS)),
        *(partial(outpainter, name) for name in sorted(OUTPAINTERS)),
    ]
    for find_one in finders:
        try:
            yield find_one()
        except UserError as error:
            yield error


def missing_packages(card: Card) -> list[str]:
    """The modules that the annotator needs with its card's weights and that are not installed, found without importing them."""
    return _missing(_needed(card, card.weights))


def _needed(card: Card, weights: Iterable[Weight]) -> dict[str, str]:
    """Module -> extra: of the annotator, and of where its weights come from."""
    from_hub = any(weight.scheme == "hf" for weight in weights)
    return {**(card.packages or {}), **({CLIENT: "torch"} if from_hub else {})}


def _missing(needed: Iterable[str]) -> list[str]:
    return [module for module in needed if importlib.util.find_spec(module) is None]


@dataclass(frozen=True)
class Here:
    """Whether an annotator can run here.

    Attributes:
        to_fetch: bytes of weights that are fetched first.
        why_not: in one line; empty if it can.
    """

    to_fetch: int = 0
    why_not: str = ""


def here(card: Card) -> Here:
    """Whether the annotator can run here. Fetches nothing."""
    missing = missing_packages(card)
    if missing:
        return Here(why_not=f"{', '.join(missing)} not installed ({_install(card, missing)})")
    away = [item.weight for item in listing(card.weights) if item.path is None]
    if away and offline():
        return Here(why_not=f"{away[0].spec} is not here, and HUMANVERSE_OFFLINE is set")
    return Here(to_fetch=sum(weight.size for weight in away))


def _install(card: Card, missing: Sequence[str]) -> str:
    """The command that installs modules that a card needs."""
    needed = {CLIENT: "torch", **(card.packages or {})}
    extras = sorted({extra for module in missing if (extra := needed[module])})
    named = f"'humanverse[{','.join(extras)}]'" if extras else "humanverse"
    return " && ".join([f"pip install {named}", *(BESIDE[extra] for extra in extras if extra in BESIDE)])


def require_torch(what: str) -> None:
    """Raise UserError if torch or safetensors is not installed, which ``what`` needs."""
    if any(importlib.util.find_spec(module) is None for module in ("torch", "safetensors")):
        raise UserError(f"{what} needs torch and safetensors: pip install 'humanverse[torch]'")


def require_packages(card: Card, weights: Sequence[Weight] | None = None) -> None:
    """Checks that the annotator can run here.

    Args:
        card: of the annotator.
        weights: that it loads; None for the card's. Only what comes from a model hub needs the hub's client.

    Raises:
        UserError: names what is missing and the command that installs it.
    """
    missing = _missing(_needed(card, card.weights if weights is None else weights))
    if missing:
        raise UserError(f"{card.kind}={card.name} needs {', '.join(missing)}: {_install(card, missing)}")
