"""How this process's allocator treats memory that was freed."""

from __future__ import annotations

import contextlib
import ctypes
import sys

LARGEST_KEPT = 32 << 20
"""Bytes; glibc's own upper limit. Larger blocks go back to the system when they are freed."""
MOST_KEPT = 128 << 20
"""Bytes of free memory at the end of a heap, of which there is one per busy thread."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed() -> bool:
    """Keep freed blocks for the next picture instead of giving them back to the system each time.

    Decoding allocates and frees some megabytes per picture. When each of these comes fresh from the system, its pages are
    mapped and cleared anew, which takes longer than what is then done with them. For processes that handle many pictures;
    such a process holds up to ``MOST_KEPT`` more per busy thread than it uses.

    Returns:
        Whether it could be set: only with glibc (``man 3 mallopt``).
    """
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_MMAP_THRESHOLD, LARGEST_KEPT) and mallopt(_TRIM_THRESHOLD, MOST_KEPT))
    return False
