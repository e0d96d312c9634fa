"""Rows as plain JSON values: for tools that know neither Arrow nor NaN."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """``value`` with nothing but what JSON has: not finite numbers become null, bytes base64, dates and the like text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def json_text(value: Any) -> str:
    """``plain(value)`` as JSON in one line."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
