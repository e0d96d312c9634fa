"""Every ``humanverse …`` in README and docs is one that the command line takes: commands, options, and what stands in these."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from annotators import registry
from humanverse.errors import UserError
from pipelines.cli import app
from pipelines.cli.annotate import _asked
from pipelines.cli.main import _USAGE_ERROR
from pipelines.plan_layers import _check_kinds
from schemas.layers import KINDS
from schemas.recipe_outpaint import OUTPAINT

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^(?: {4}|)\$? ?(?:[A-Z_]+=\S+ )?(humanverse (?:.*\\\n)*.*)", re.MULTILINE)
_INLINE = re.compile(r"`(humanverse\s[^`]+)`")
_COMMENT = re.compile(r"\s+#.*|&&.*")
_NUMBER = re.compile(r"\bN\b")
_SYNOPSIS = re.compile(r"…|\.\.\.|\[")
"""In what is said about a command and is none."""
COMMAND = typer.main.get_command(app)


def blocks(text: str) -> Iterator[str]:
    """Commands that are displayed: indented, or between fences."""
    fenced = False
    shown = []
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            shown.append(line)
        else:
            shown.append("")
    for found in _BLOCK.finditer("\n".join(shown)):
        yield found[1].replace("\\\n", " ")


def commands() -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        whole = [(line, True) for line in blocks(text)]
        mentioned = [(" ".join(span.split()), False) for span in _INLINE.findall(text)]
        for line, complete in dict.fromkeys([*whole, *mentioned]):
            plain = _NUMBER.sub("3", _COMMENT.sub("", line)).strip()
            if "--help" not in plain and not _SYNOPSIS.search(plain):
                found.append(pytest.param(plain, complete, id=f"{page.relative_to(ROOT)}: {plain}"))
    return found


def parsed(words: Sequence[str], complete: bool) -> tuple[str, dict[str, Any]]:
    """The command's name and what it would be called with; an incomplete one may lack arguments, and gives nothing then."""
    group: Any = COMMAND
    context = group.context_class(group, info_name="humanverse")
    name, rest = "", list(words)
    while hasattr(group, "commands"):
        if not rest and not complete:
            return name, {}
        name, group, rest = group.resolve_command(context, rest)
    try:
        return name, group.make_context(name, rest).params
    except Exception as error:
        if not complete and type(error).__name__ in ("MissingParameter", "BadOptionUsage"):
            return name, {}
        raise


def check_annotate(params: dict[str, Any]) -> None:
    """What ``annotate`` can be told is wrong without a dataset."""
    kinds, named = params["kinds"], ("as_", "set_", "reads", "weights", "outpaint")
    if params["from_coco"] is not None:
        return
    asked = _asked(kinds, *(params[name] for name in named))
    _check_kinds(asked)
    assert asked.reads.keys() <= KINDS.keys()
    for kind, name in asked.annotators.items():
        if name and ":" not in name and name.islower():
            settings = registry.get(kind, name).Settings.model_fields
            assert asked.settings.get(kind, {}).keys() <= settings.keys()
    if asked.outpaint not in (None, "none"):
        settings = registry.outpainter(asked.outpaint).Settings.model_fields
        assert asked.settings.get(OUTPAINT, {}).keys() <= {*settings, "kinds", "cache"}


@pytest.mark.parametrize(("line", "complete"), commands())
def test_a_command_of_the_pages_is_one(line: str, complete: bool) -> None:
    name, params = parsed(shlex.split(line)[1:], complete)
    if name == "annotate" and params:
        check_annotate(params)


def test_there_are_many() -> None:
    assert len(commands()) > 100


@pytest.mark.parametrize(
    "line",
    [
        "humanverse build urls.parquet people/ --presets paper",
        "humanverse bild urls.parquet people/",
        "humanverse compare people/ pose",
        "humanverse annotate people/ pose=mmpose --as rtmpose-m",
        "humanverse annotate people/ pose=mmpose --as person=rtmpose-m",
        "humanverse annotate people/ pose=mmpoze",
        "humanverse annotate people/ person=yolos-tiny --set person.min_scor=0.1",
        "humanverse annotate people/ pose --outpaint edge --set outpaint.lefts=1",
    ],
)
def test_one_that_is_none_is_found(line: str) -> None:
    with pytest.raises((UserError, AssertionError, _USAGE_ERROR)):
        test_a_command_of_the_pages_is_one(line, True)


def test_what_is_displayed_is_found() -> None:
    text = "x `humanverse\nstats people/`\n\n    humanverse a \\\n      --b\n\n```bash\nhumanverse c   # d\n```\nhumanverse e\n"
    assert [" ".join(line.split()) for line in blocks(text)] == ["humanverse a --b", "humanverse c # d"]
    assert [" ".join(found.split()) for found in _INLINE.findall(text)] == ["humanverse stats people/"]
