"""Which of a sample's captions it is shown with: chosen by weights among those that it has."""

from __future__ import annotations

from collections.abc import Mapping


def choose_caption(texts: Mapping[str, str | None], weights: Mapping[str, float], share: float) -> tuple[str, str]:
    """The caption, and its name in ``weights``; both empty if the sample has none of them.

    Args:
        texts: name -> the caption; None or blank where there is none.
        weights: name -> how often it is to be chosen, in proportion to those of the others that are there.
        share: in [0, 1).
    """
    there = {name: weight for name, weight in weights.items() if weight > 0 and (texts.get(name) or "").strip()}
    left = share * sum(there.values())
    for name, weight in there.items():
        left -= weight
        if left < 0:
            return texts[name] or "", name
    last = next(reversed(there), "")
    return (texts[last] or "", last) if last else ("", "")
