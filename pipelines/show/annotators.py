"""What can annotate here, and its weights."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from humanverse.sizes import size
from pipelines.show.fitting import Column, fitted
from pipelines.show.table import line, table

if TYPE_CHECKING:
    from annotators.base import Card
    from annotators.registry import Here
    from annotators.settings_told import Setting
    from annotators.torch.convert import Converted
    from annotators.weights import Listed

_LEAVE_OUT = ("source", "licence", "speed", "size", "preset")
"""What a narrow terminal is not shown, the first of them first."""


def card_json(card: Card, settings: Sequence[Setting], missing: Sequence[str], here: Here) -> dict[str, Any]:
    return {
        "kind": card.kind,
        "name": card.name,
        "version": card.version,
        "summary": card.summary,
        "model": card.model,
        "licence": card.licence,
        "source": card.source,
        "size": card.size,
        "speed": card.speed,
        "preset": card.preset,
        "here": _here(here),
        "to_fetch": here.to_fetch,
        "protocol": card.protocol,
        "output": card.output,
        "needs": list(card.needs),
        "settings": {item.name: item.default for item in settings},
        "about_settings": {
            item.name: {"type": item.type, "text": item.text, "common": item.common} for item in settings
        },
        "weights": [{"spec": weight.spec, "sha256": weight.sha256} for weight in card.weights],
        "missing_packages": list(missing),
    }


def _here(here: Here) -> str:
    if here.why_not:
        return f"no: {here.why_not}"
    return f"runs here, after fetching {size(here.to_fetch)}" if here.to_fetch else "ready"


def cards(found: Sequence[Mapping[str, Any]]) -> None:
    """One line each: on a terminal as much of it as fits, elsewhere all of it, between tabs."""
    from rich.console import Console

    console = Console()
    rows = [_row(card) for card in found]
    titles = ("annotator", "preset", "size", "speed", "here", "licence", "source")
    if not console.is_terminal:
        for row in (titles, *rows):
            line("\t".join(row))
        return
    columns = list(zip(*(_shortened(titles, row) for row in rows), strict=True))
    least = {"here": 13, "licence": 12, "source": 16}
    lines, gone = fitted(
        [
            Column(title, tuple(cells), least.get(title), right=title == "size")
            for title, cells in zip(titles, columns, strict=True)
        ],
        console.width,
        _LEAVE_OUT,
    )
    for text in lines:
        line(text)
    left_out = f"not shown: {', '.join(gone)}; " if gone else ""
    line(f"{left_out}all about one: humanverse annotators KIND=NAME")


def _shortened(titles: Sequence[str], row: Sequence[str]) -> list[str]:
    return [_SHORT.get(title, str)(text) for title, text in zip(titles, row, strict=True)]


def _row(card: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{card['kind']}={card['name']}",
        card["preset"] or "-",
        size(card["size"]) if card["size"] else "-",
        card["speed"],
        card["here"],
        card["licence"],
        card["source"],
    )


_SHORT: Mapping[str, Callable[[str], str]] = {
    "here": lambda text: text.replace("runs here, after fetching", "fetch").partition(" (")[0],
    "licence": lambda text: re.split(r" \(|[;,]", text, maxsplit=1)[0],
    "source": lambda text: (
        re.split(r"[;,]? and |[;,] | \(", text, maxsplit=1)[0]
        .replace("https://huggingface.co/", "hf:")
        .removeprefix("https://")
    ),
}
"""What a column has of a longer text: whether it runs, the licence's name, the repository."""


def card_in_full(card: Mapping[str, Any]) -> None:
    """All about one annotator; a terminal breaks lines between words."""
    for name, value in card.items():
        if name not in ("settings", "about_settings", "to_fetch"):
            _wrapped(f"{name.replace('_', ' ')}: {_SAID.get(name, _plain)(value)}", "  ")
    if not card["settings"]:
        line("settings: none")
        return
    line(f"settings (--set {card['kind']}.NAME=VALUE):")
    common = [name for name, about in card["about_settings"].items() if about["common"]]
    for name in card["settings"]:
        if name not in common:
            about = card["about_settings"][name]
            text = f": {about['text']}" if about["text"] else ""
            _wrapped(f"  {_given(card, name)} ({about['type']}){text}", "    ")
    if common:
        usual = ", ".join(_given(card, name) for name in common)
        _wrapped(f"  of all on PyTorch (docs/estimators/README.md): {usual}", "    ")


def _given(card: Mapping[str, Any], name: str) -> str:
    return f"{name} = {json.dumps(card['settings'][name], ensure_ascii=False)}"


def _wrapped(text: str, indent: str) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        line(text)
        return
    wrapper = textwrap.TextWrapper(
        console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    for part in wrapper.wrap(text):
        line(part)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(item["spec"] if isinstance(item, dict) else str(item) for item in value) or "none"
    return str(value) or "none"


_SAID: Mapping[str, Callable[[Any], str]] = {
    "size": lambda count: size(count) if count else "no weights",
    "preset": lambda name: name or "in none",
}
"""What stands in a card where the value alone would not be understood."""


def taken(done: Converted) -> None:
    """Which weights of a checkpoint were taken, where it holds others too."""
    line(
        f"taken: {done.key or 'what lies at the top'}; the checkpoint also has {', '.join(done.others)}: "
        "--key NAME takes one of these instead"
    )


def weight_json(item: Listed, users: Sequence[str]) -> dict[str, Any]:
    return {
        "spec": item.weight.spec,
        "sha256": item.weight.sha256,
        "size": item.weight.size,
        "path": item.path and str(item.path),
        "annotators": list(users),
    }


def weights(found: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (", ".join(item["annotators"]), size(item["size"] or 0), "here" if item["path"] else "not yet", item["spec"])
        for item in found
    ]
    table("weights", ("for", "size", "", "weights"), rows)
