"""What can be set about an annotator, in words: of each setting its type, its default and what its class says of it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotators.base import Settings
from annotators.torch.base import TorchSettings

_LINE = re.compile(r"\s*(\w+(?:, \w+)*): (.*)")
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: as ``--set KIND.NAME=`` has it.
        type: what it can be, with its bounds.
        default: as a JSON value.
        text: what its class says of it; empty if nothing.
        common: whether all that run on PyTorch have it, with this default.
    """

    name: str
    type: str
    default: Any
    text: str
    common: bool = False


def told(of: type[Settings]) -> list[Setting]:
    """Every setting of the class, in its order."""
    schema = of.model_json_schema()
    texts = _texts(of)
    definitions = schema.get("$defs", {})
    return [
        Setting(name, _type(facts, definitions), facts.get("default"), texts.get(name, ""), _is_common(of, name))
        for name, facts in schema.get("properties", {}).items()
    ]


def _is_common(of: type[Settings], name: str) -> bool:
    usual = TorchSettings.model_fields.get(name)
    return issubclass(of, TorchSettings) and usual is not None and of.model_fields[name].default == usual.default


def _texts(of: type[Settings]) -> dict[str, str]:
    """By setting, its line under ``Attributes:``; a class is heard before those that it is made from."""
    found: dict[str, str] = {}
    for one in reversed(of.__mro__):
        if one.__doc__ and issubclass(one, Settings):
            found |= _attributes(inspect.cleandoc(one.__doc__), frozenset(of.model_fields))
    return found


def _attributes(docstring: str, names: frozenset[str]) -> dict[str, str]:
    """A line may tell of several names, with commas between them."""
    found: dict[str, str] = {}
    told: list[str] = []
    for line in docstring.partition("Attributes:")[2].splitlines():
        begins = _LINE.fullmatch(line)
        if begins and names.issuperset(begins[1].split(", ")):
            told = begins[1].split(", ")
            found |= dict.fromkeys(told, begins[2])
        elif not line.strip():
            told = []
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in told}
    return found


def _type(facts: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON schema's type in words."""
    if "$ref" in facts:
        return _type(definitions[facts["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in facts:
        return " or ".join(_type(one, definitions) for one in facts["anyOf"])
    if "enum" in facts:
        return " | ".join(value if isinstance(value, str) else json.dumps(value) for value in facts["enum"])
    if "const" in facts:
        return str(facts["const"])
    bounds = [f"{words} {facts[key]:g}" for key, words in _BOUNDS.items() if key in facts]
    return " ".join([str(facts.get("type", "value")), *([", ".join(bounds)] if bounds else [])])
