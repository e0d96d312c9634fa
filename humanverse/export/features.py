"""Arrow types as Hugging Face's ``datasets`` names them, in Parquet's metadata and in a dataset card.

What is written is what ``datasets.Features.to_dict`` and its YAML form hold for the same types (datasets 4 and 5).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
"""How ``datasets`` stores an ``Image``."""

_NAMES = {
    "float": "float32",
    "double": "float64",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
"""Where Arrow's name of a type is not that of ``datasets``."""


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _value(kind: pa.DataType) -> str:
    return _NAMES.get(str(kind), str(kind))


def feature(kind: pa.DataType) -> dict[str, Any]:
    """A type as ``Features.to_dict`` has it."""
    if kind == IMAGE:
        return {"_type": "Image"}
    if pa.types.is_struct(kind):
        return {item.name: feature(item.type) for item in kind}
    if _is_list(kind):
        inner: dict[str, Any] = {"feature": feature(kind.value_type)}
        if pa.types.is_fixed_size_list(kind):
            inner["length"] = kind.list_size
        return {**inner, "_type": "LargeList" if pa.types.is_large_list(kind) else "List"}
    return {"dtype": _value(kind), "_type": "Value"}


def with_features(schema: pa.Schema) -> pa.Schema:
    """``schema`` with the metadata from which ``datasets`` knows the types."""
    features = {item.name: feature(item.type) for item in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _in_card(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"dtype": "image"}
    if pa.types.is_struct(kind):
        return {"struct": card_features(list(kind))}
    if _is_list(kind):
        inner = _in_card(kind.value_type)
        name = "large_list" if pa.types.is_large_list(kind) else "list"
        told: dict[str, Any] = {name: inner["dtype"] if list(inner) == ["dtype"] else inner}
        if pa.types.is_fixed_size_list(kind):
            told["length"] = kind.list_size
        return told
    return {"dtype": _value(kind)}


def card_features(fields: Sequence[pa.Field]) -> list[Mapping[str, Any]]:
    """``dataset_info.features`` of a dataset card."""
    return [{"name": item.name, **_in_card(item.type)} for item in fields]
