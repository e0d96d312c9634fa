"""The examples of docs/views.md, and its list of functions."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from humanverse.dataset.expression import allowed
from humanverse.dataset.expression.evaluate import evaluate
from humanverse.dataset.expression.parse import parse
from schemas import images
from schemas.layers import KINDS

TEXT = (Path(__file__).parents[4] / "docs/views.md").read_text(encoding="utf-8")
EXAMPLES = [found[1].replace("\\|", "|") for found in re.finditer(r"^\| [^`|]+ \| `(.+)` \|$", TEXT, re.MULTILINE)]
SOURCE = {"pwatermark": pa.float64(), "punsafe": pa.float64()}


def types() -> dict[str, pa.DataType]:
    """Of every column that an example may name."""
    found = {f"images.{field.name}": field.type for field in images.SCHEMA}
    found |= {f"images.{name}": kind for name, kind in SOURCE.items()}
    for kind in KINDS.values():
        for table in (kind.name, f"{kind.name}/a", f"{kind.name}/b"):
            found |= {f"{table}.{field.name}": field.type for field in kind.schema}
    return found


def test_there_are_enough() -> None:
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_condition(text: str) -> None:
    expression = parse(text)
    known = types()
    table = pa.table({str(name): pa.nulls(3, known[str(name)]) for name in expression.names})
    assert len(evaluate(expression, table)) == 3


def test_every_function_that_is_named_is_allowed() -> None:
    listed = TEXT.partition("- Only these functions")[2].partition("- At most")[0]
    names = {
        word for block in re.findall(r"`([^`]+)`", listed) for word in block.split() if re.fullmatch("[a-z_0-9]+", word)
    }
    assert len(names) > 60
    assert names - {"coalesce"} <= allowed.FUNCTIONS
