"""The ledger: one row per source row, with its one final status.

``failed`` means that no picture could be had, ``rejected`` that there was one and it is not wanted (or its owner opted
out), ``kept`` that it is a sample. Every reason that can stand in the ledger is listed here; readers may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

KEPT = "kept"
REJECTED = "rejected"
FAILED = "failed"
STATUSES = (KEPT, REJECTED, FAILED)

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("uid", pa.string()),
        pa.field("width", pa.int64()),
        pa.field("height", pa.int64()),
        pa.field("http_status", pa.int16()),
        pa.field("attempts", pa.int16()),
        pa.field("ms", pa.int32()),
        pa.field("drifted", pa.bool_()),
    ]
)

VOLATILE_COLUMNS = ("attempts", "ms")
"""Columns that may differ between two runs over the same responses; all others may not."""

FETCH_REASONS = {
    "invalid_url": "the cell is empty or not a URL",
    "forbidden_scheme": "only http and https are fetched",
    "private_address": "the name leads to an address that is not public",
    "dns": "the name does not resolve",
    "connect": "the connection was refused, reset or unreachable",
    "tls": "the certificate or the TLS handshake is bad",
    "timeout": "the time for one URL ran out",
    "http_4xx": "the server answered 4xx (other than 429)",
    "http_429": "the server asked us to slow down, to the last attempt or for longer than we wait",
    "http_5xx": "the server answered 5xx, to the last attempt; or 503, for longer than we wait",
    "http_other": "the server answered with a status that carries no picture",
    "redirects": "too many redirects, or one that leads nowhere",
    "too_large": "the body is larger than the cap on bytes",
    "truncated": "the body ended before its announced length",
    "empty": "the body has no bytes",
    "protocol": "the server does not speak HTTP correctly, or its content encoding is broken",
    "source_missing": "a local file, tar member or earlier download is not there",
}
DECODE_REASONS = {
    "not_an_image": "the bytes are not of a raster image format that is known (an error page, say)",
    "unsupported_format": "an image format that this build does not decode",
    "too_many_pixels": "the header announces more pixels than the cap",
    "corrupt": "the image data is broken or ends early",
}
POLICY_REASONS = {
    "opt_out": "the server's headers ask not to be used for machine learning, text and data mining or indexing",
    "robots": "the host's robots.txt disallows the URL, or could not be given",
    "blocked": "its URL, its domain, its bytes or its picture is on a block-list of the recipe",
    "drifted": "the bytes are not those that the source's hash is of",
    "placeholder": "the same bytes came from so many URLs of the shard that they are no photograph of anything",
    "duplicate": "the same URL or the same bytes as an earlier row of the shard; of a merged row: as any earlier row",
    "near_duplicate": "it looks like a picture that an earlier row of the shard has kept",
    "too_small": "a side is shorter than the recipe's minimum",
    "too_few_people": "fewer people than the recipe's minimum",
    "too_many_people": "more people than the recipe's maximum",
    "person_area": "people fill less of the picture than the recipe's minimum",
    "aesthetic": "the aesthetic score is below the recipe's minimum",
    "unsafe": "the safety score is above the recipe's maximum",
    "blur_failed": "the recipe blurs faces, and it is not known where they are in this picture",
    "gate_error": "an estimator that the gate needs could not judge this picture",
    "forgotten": "the dataset was told to forget it; nothing else is said of it any more",
}
FORGOTTEN = "forgotten"
REASONS = {**FETCH_REASONS, **DECODE_REASONS, **POLICY_REASONS}
RETRYABLE = (*FETCH_REASONS, *DECODE_REASONS, "robots", "opt_out", "blocked", "drifted", "blur_failed", "gate_error")
"""Reasons that may be another one, or none, when the row is tried again: servers, block-lists and ``fetch`` change. Not
``placeholder``: it is told by how many rows of a shard it came to, and among fewer of them it would pass."""


@dataclass(frozen=True)
class Failure:
    """Why a row ended without a sample.

    Attributes:
        reason: one of ``REASONS``.
        detail: the measured value or the library's message, in one line.
    """

    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"unknown ledger reason {self.reason!r}")

    @property
    def status(self) -> str:
        return REJECTED if self.reason in POLICY_REASONS else FAILED
