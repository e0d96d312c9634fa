"""Arrow schemas of the layers, one per kind.

Every layer row begins with ``uid``, ``status`` and ``reason``; the kind's own columns follow. ``status`` is

* ``ok``: the estimator looked at the picture, and the columns hold what it said (an empty list of people is an answer);
* ``failed``: it raised on this picture; ``reason`` says how; the columns are null;
* ``unavailable``: there is nothing to say: no estimator of this kind exists in this setting, or what it needs is not there;
  ``reason`` says so; the columns are null.

Coordinates are float32 pixels of the stored image, (0, 0) its top left corner. Scores and confidences are in [0, 1]
unless ``score_range`` in the layer's ``layer.json`` is another [low, high].
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

OK = "ok"
ROW_FAILED = "failed"
UNAVAILABLE = "unavailable"
ROW_STATUSES = (OK, ROW_FAILED, UNAVAILABLE)

HEAD = [
    pa.field("uid", pa.string(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
]

BOX = pa.list_(pa.float32(), 4)
"""(x0, y0, x1, y1), x1 and y1 exclusive."""

MAP = [
    pa.field("map_offset", pa.int64()),
    pa.field("map_size", pa.int64()),
    pa.field("map_width", pa.int32()),
    pa.field("map_height", pa.int32()),
    pa.field("map_box", BOX),
]
"""Where a dense map lies in the shard's tar, its size in pixels or cells, and the part of the stored image that it covers."""

BACKGROUND_LABEL = 0
UNKNOWN_LABEL = 255
"""Ids of a segmentation's pixels that show no part of a person, and of those about which it says nothing."""


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes:
        name: the kind, as it stands in ``layers/<kind>/<name>``.
        summary: one line for listings.
        columns: the kind's own columns, after ``uid``, ``status`` and ``reason``.
        suffix: of the members in the shard's tar (``depth.png``); None for a kind without dense maps.
        cache: whether it says nothing that the others do not, and only saves the trainer work; no export has it.
    """

    name: str
    summary: str
    columns: tuple[pa.Field, ...]
    suffix: str | None = None
    cache: bool = False

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*HEAD, *self.columns])

    @property
    def dense(self) -> bool:
        return self.suffix is not None


def _table(*kinds: Kind) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS = _table(
    Kind(
        "person",
        "person boxes with scores, best first",
        (
            pa.field("boxes", pa.list_(BOX)),
            pa.field("scores", pa.list_(pa.float32())),
            pa.field("area_ratios", pa.list_(pa.float32())),
            pa.field("union_area_ratio", pa.float32()),
            pa.field("areas", pa.list_(pa.float32())),
            pa.field("crowd", pa.list_(pa.bool_())),
        ),
    ),
    Kind(
        "pose",
        "133 COCO-WholeBody keypoints per person, people as in the person layer",
        (
            pa.field("keypoints", pa.list_(pa.list_(pa.float32(), 133 * 3))),
            pa.field("present", pa.list_(pa.list_(pa.bool_(), 133))),
            pa.field("scores", pa.list_(pa.float32())),
        ),
    ),
    Kind(
        "depth",
        "depth map, 16-bit PNG",
        (
            *MAP,
            pa.field("depth_kind", pa.string()),
            pa.field("unit", pa.string()),
            pa.field("scale", pa.float32()),
            pa.field("offset", pa.float32()),
            pa.field("minimum", pa.float32()),
            pa.field("maximum", pa.float32()),
        ),
        suffix="depth.png",
    ),
    Kind("normal", "camera-space surface normals, 8-bit RGB PNG", tuple(MAP), suffix="normal.png"),
    Kind(
        "segmentation",
        "which part of a person each pixel shows, 8-bit PNG of label ids",
        (
            *MAP,
            pa.field("labels", pa.list_(pa.int16())),
            pa.field("label_names", pa.list_(pa.string())),
            pa.field("label_areas", pa.list_(pa.float32())),
        ),
        suffix="segmentation.png",
    ),
    Kind(
        "caption",
        "a sentence about the picture, beside the source's alt text",
        (
            pa.field("text", pa.string()),
            pa.field("language", pa.string()),
            pa.field("method", pa.string()),
        ),
    ),
    Kind("aesthetic", "aesthetic score on the predictor's own scale", (pa.field("score", pa.float32()),)),
    Kind("safety", "probability that the picture is sexually explicit", (pa.field("unsafe", pa.float32()),)),
    Kind(
        "watermark",
        "probability that there is a visible watermark on the picture",
        (pa.field("watermark", pa.float32()),),
    ),
    Kind("embedding", "the picture as a vector of length 1", (pa.field("vector", pa.list_(pa.float32())),)),
    Kind(
        "similarity",
        "how well the picture and a text about it go together: the cosine between their embeddings",
        (pa.field("score", pa.float32()), pa.field("truncated", pa.bool_())),
    ),
    Kind(
        "text",
        "written text and watermarks in the picture",
        (
            pa.field("boxes", pa.list_(BOX)),
            pa.field("scores", pa.list_(pa.float32())),
            pa.field("text_area_ratio", pa.float32()),
            pa.field("has_text", pa.bool_()),
        ),
    ),
    Kind(
        "quality",
        "figures measured on the pixels, no model behind them",
        (
            pa.field("sharpness", pa.float32()),
            pa.field("brightness", pa.float32()),
            pa.field("contrast", pa.float32()),
            pa.field("colorfulness", pa.float32()),
            pa.field("saturated_ratio", pa.float32()),
            pa.field("jpeg_quality", pa.int16()),
        ),
    ),
    Kind(
        "latent",
        "what a VAE makes of the picture, or of one of its maps, as training crops it; float16",
        (*MAP, pa.field("bucket_width", pa.int32()), pa.field("bucket_height", pa.int32())),
        suffix="latent.npy",
        cache=True,
    ),
    Kind(
        "prompt",
        "what a text encoder makes of a caption; float16",
        (*MAP, pa.field("text", pa.string())),
        suffix="prompt.npy",
        cache=True,
    ),
)
"""``pose.keypoints`` is, per person, 133 triples (x, y, confidence) in COCO-WholeBody order; a slot for which there is no
estimator has confidence 0 and ``present`` false, and is not the same as a point that was looked for and not found.
``pose.scores`` is the mean confidence of the person's present body points.

``embedding.vector`` is as wide as ``width`` in the layer's ``layer.json`` says. ``similarity.truncated`` says whether the text
is longer than what the model reads of one.

``person.areas`` is the area of each person's mask in square pixels of the stored picture, null where no masks are known;
``person.crowd`` tells boxes that are of a crowd and not of one person, null where nobody said.

``segmentation.labels`` are the ids in the map, ascending, without ``UNKNOWN_LABEL``; ``label_names`` and ``label_areas``
(share of the map's pixels) are theirs, in that order. ``labels`` in the layer's ``layer.json`` names all ids that it may have,
from 0 on.

``latent``: a map (channels, ``map_height``, ``map_width``), the mean of the VAE's posterior without its scale, of the crop
``map_box`` at ``bucket_width`` x ``bucket_height`` pixels. ``prompt``: a map (``map_height`` tokens, ``map_width``) of ``text``,
which is about the whole picture. What ``layer.json`` must say of both is in ``schemas.layer_rules.CARD_RULES``."""
