"""Embeddings against embeddings of the same model: the cosine of the two vectors of each picture."""

from __future__ import annotations

import numpy as np

from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions
from humanverse.compare.measure import Measure, Pair, Side
from humanverse.errors import UserError

QUANTILES = (0.05, 0.5, 0.95)


class Embedding(Measure):
    """Agreement of two embedding layers, such as of other weights or another precision.

    Raises:
        UserError: if they are of different models: nothing can be said of vectors that have no number in common.
    """

    disagreement = "1 − cosine of the vectors"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        models = [side.card.get("model") for side in (a, b)]
        if models[0] != models[1]:
            raise UserError(
                f"{a.layer} is of {models[0]}, {b.layer} of {models[1]}: their vectors have nothing in common, "
                "compare layers of one model"
            )
        self._cosines = Numbers()

    def add(self, pair: Pair) -> float | None:
        a, b = (np.array(said.row["vector"], np.float64) for said in (pair.a, pair.b))
        if len(a) != len(b):
            return None
        cosine = float(a @ b)
        self._cosines.add(cosine)
        return 1 - cosine

    def findings(self) -> Findings:
        values = self._cosines.values()
        figures = {"pictures": len(values), "cosine": self._cosines.summary()}
        headlines = (Headline("cosine", self._cosines.mean()),)
        if not len(values):
            return Findings(figures, headlines=headlines)
        quantities = [float(values.mean()), *(float(value) for value in np.quantile(values, QUANTILES))]
        table = Table("Embeddings", ("", "mean", "5 %", "median", "95 %"), (("cosine", *quantities),))
        shown = distributions([("cosine of the two vectors", self._cosines, "free")])
        return Findings(figures, (table,), shown, headlines=headlines)
