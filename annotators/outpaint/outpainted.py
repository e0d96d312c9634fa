"""An annotator of structure that looks at a larger canvas, and of whose answers only what is in the picture is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from annotators import own_weights
from annotators.base import Annotator, Picture, Row, Unavailable
from annotators.cache import Weight
from annotators.outpaint.base import Outpainter
from annotators.outpaint.canvas import Canvas
from annotators.outpaint.mapping import BACK, INTO
from humanverse.codec import encode_jpeg
from humanverse.errors import UserError
from schemas.provenance import fingerprint

_QUALITY = 95


class OnCanvas(Picture):
    """A picture as the canvas that it was grown to."""

    def __init__(self, picture: Picture, canvas: Canvas) -> None:
        self.uid, self.caption, self._canvas = picture.uid, picture.caption, canvas

    @property
    def rgb(self) -> np.ndarray:
        """uint8 (height, width, 3) of the canvas."""
        return self._canvas.rgb

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the canvas."""
        return self._canvas.frame.canvas

    @cached_property
    def jpeg(self) -> bytes:  # type: ignore[override]
        """The canvas as a JPEG, for an annotator that reads the file itself."""
        return encode_jpeg(self.rgb, _QUALITY)


class Outpainted(Annotator):
    """Shows an annotator canvases instead of pictures, and brings back what it says.

    Args:
        annotator: of a kind in ``mapping.BACK``, that reads none but those in ``mapping.INTO``; not loaded.
        outpainter: makes the canvases; may be shared with other annotators of the process.

    Raises:
        UserError: if it is of another kind, or reads another.
    """

    def __init__(self, annotator: Annotator, outpainter: Outpainter) -> None:
        card = annotator.card
        if card.kind not in BACK:
            raise UserError(f"{card.kind} cannot be outpainted: only {', '.join(BACK)} say where something is")
        for need in card.needs:
            if need not in INTO:
                raise UserError(
                    f"{card.layer} cannot be outpainted: it is made from a {need} layer, and a larger canvas has none"
                )
        self.annotator, self.outpainter = annotator, outpainter
        self.settings, self.device = annotator.settings, annotator.device
        only_cpu = annotator.cpu_only and outpainter.cpu_only
        both = replace(card, weights=(*card.weights, *outpainter.card.weights))
        same = {"score_range": annotator.score_range, "takes_a_set": annotator.takes_a_set}
        vars(self).update(card=both, cpu_only=only_cpu, **same)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.annotator.weights, *self.outpainter.weights)

    @property
    def users(self) -> dict[Weight, str]:
        return {**self.annotator.users, **self.outpainter.users}

    @property
    def batch_size(self) -> int:
        return self.annotator.batch_size

    def weight(self, pinned: Weight) -> Weight:
        return self.outpainter.weight(self.annotator.weight(pinned))

    def pin(self) -> None:
        self.annotator.pin()
        self.outpainter.pin()

    def deciding(self) -> dict[str, Any]:
        """As of both; the layer's fingerprint has the outpainter's under ``outpaint``."""
        return {**self.annotator.deciding(), "outpaint": self.outpainter.deciding()}

    def describes(self) -> dict[str, Any]:
        return self.annotator.describes()

    def where(self) -> str | None:
        return self.annotator.where() or self.outpainter.where()

    def load(self) -> None:
        self.outpainter.load()
        self.annotator.load()

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        canvases = self.outpainter.grown(pictures)
        shown = [OnCanvas(*pair) for pair in zip(pictures, canvases, strict=True)]
        read = {
            kind: [self._into(kind, *pair) for pair in zip(rows, canvases, strict=True)] for kind, rows in needs.items()
        }
        answers = self.annotator.annotate(shown, read)
        return [self._back(*pair) for pair in zip(answers, canvases, strict=True)]

    def _into(self, kind: str, row: Row, canvas: Canvas) -> Row:
        return INTO[kind](row, canvas.frame, self.outpainter.settings.reach)

    def _back(self, answer: Row | Unavailable, canvas: Canvas) -> Row | Unavailable:
        if isinstance(answer, Unavailable) or canvas.frame.same:
            return answer
        return BACK[self.card.kind](answer, canvas.frame)

    def provenance(self, needed: Mapping[str, str]) -> dict[str, Any]:
        """As of ``Annotator``; ``outpaint`` says what the canvases were made by, and is in the fingerprint."""
        facts = {**self.annotator.provenance(needed), "outpaint": self.outpainter.facts()}
        card = self.outpainter.card
        stated = own_weights.stated(self.outpainter.used, card.licence)
        licence = f"{facts['licence']}; outpainted by {card.name}: {stated['licence']}"
        own = [*facts.get("own_weights", ()), *stated.get("own_weights", ())]
        more = {"own_weights": own} if own else {}
        return {**facts, "licence": licence, **more, "fingerprint": fingerprint(facts)}
