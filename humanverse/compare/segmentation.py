"""Parts of people against parts of people: how well each label's regions agree, labels being matched by name.

Names are the same if they are so but for case, spaces, dashes and underscores. The IoU of a label is, over the pixels of all
pictures about which both layers say something, those that both give it over those that at least one gives it; the mean is over
the labels that both layers have and at least one gives (Everingham et al., "The PASCAL VOC challenge", IJCV 2010).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from humanverse.codec.maps import decode_segmentation
from humanverse.compare.coverage import Coverage
from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions, ratio
from humanverse.compare.frames import Placed, labels_on_one_grid
from humanverse.compare.measure import Measure, Pair, Said, Side
from humanverse.errors import DatasetError
from humanverse.labels import key_of
from humanverse.plurals import plural
from schemas.layers import BACKGROUND_LABEL, UNKNOWN_LABEL

NOT_NAMED = -1


def ious(counts: np.ndarray) -> np.ndarray:
    """IoU of each label, NaN where neither has it.

    Args:
        counts: (n, n), pixels that A gives the row's label and B the column's.
    """
    both = np.diag(counts).astype(float)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)


def _names(side: Side) -> list[str]:
    """What the ids of a layer are, from 0 on."""
    names = side.card.get("labels")
    if not isinstance(names, list) or len(names) > UNKNOWN_LABEL:
        raise DatasetError(f"layer.json of {side.layer} does not say what its labels are: run humanverse verify")
    return [str(name) for name in names]


def _placed(said: Said) -> Placed | None:
    png = said.png()
    return None if png is None else Placed(decode_segmentation(png), tuple(said.row["map_box"]))


class Segmentation(Measure):
    """Agreement of two segmentation layers."""

    disagreement = "1 − mean IoU of the labels that both layers have"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        names = [_names(side) for side in (a, b)]
        own = [[key_of(name) for name in of] for of in names]
        self._shown = {
            key: name for keys, of in zip(own, names, strict=True) for key, name in zip(keys, of, strict=True)
        }
        self._keys = list(self._shown)
        index = {key: position for position, key in enumerate(self._keys)}
        self._tables = [_table([index[key] for key in keys]) for keys in own]
        self._shared = np.array([all(key in keys for keys in own) for key in self._keys], bool)
        self._people = [index[keys[BACKGROUND_LABEL]] for keys in own]
        self._alone = [
            [name for key, name in zip(own[at], names[at], strict=True) if key not in own[1 - at]] for at in (0, 1)
        ]
        self._counts = np.zeros((len(self._keys), len(self._keys)), np.int64)
        self._values, self._accuracies = Numbers(), Numbers()
        self._coverage = Coverage()
        self._skipped = 0

    def add(self, pair: Pair) -> float | None:
        maps = _placed(pair.a), _placed(pair.b)
        grid = labels_on_one_grid(maps[0], maps[1]) if maps[0] and maps[1] else None
        counts = np.zeros_like(self._counts) if grid is None else self._counted(*grid)
        self._cover(maps, grid, int(counts.sum()))
        if not counts.any():
            self._skipped += 1
            return None
        self._counts += counts
        self._accuracies.add(float(np.trace(counts) / counts.sum()))
        found = ious(counts)[self._shared]
        if np.isnan(found).all():
            return None
        self._values.add(float(np.nanmean(found)))
        return float(1 - np.nanmean(found))

    def _named(self, b: np.ndarray) -> np.ndarray:
        """bool, like ``b``, ids of B's: whether they are of a label."""
        return np.asarray(self._tables[1][b] != NOT_NAMED)

    def _cover(
        self,
        maps: tuple[Placed | None, Placed | None],
        grid: tuple[np.ndarray, np.ndarray] | None,
        both: int,
    ) -> None:
        """Note of which share of the pixels that B says something about A does too."""
        a, b = maps
        said = Placed(np.where(self._named(b.values), 0.0, np.nan), b.box) if b else None
        self._coverage.add(said, a, int(self._named(grid[1]).sum()) if grid else 0, both)

    def _counted(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Pixels by the label that A gives and the one that B gives, where both give one."""
        size = len(self._keys)
        one, other = self._tables[0][a], self._tables[1][b]
        known = (one != NOT_NAMED) & (other != NOT_NAMED)
        return np.bincount(one[known] * size + other[known], minlength=size * size).reshape(size, size)

    def findings(self) -> Findings:
        counts, pictures = self._counts, len(self._accuracies.items)
        found = ious(counts)
        labels = {
            self._shown[key]: {
                "iou": _number(found[at]),
                "pixels_a": int(counts[at].sum()),
                "pixels_b": int(counts[:, at].sum()),
            }
            for at, key in enumerate(self._keys)
            if self._shared[at]
        }
        told = found[self._shared]
        figures: dict[str, Any] = {
            "pictures": pictures,
            "pixel_accuracy": ratio(int(np.trace(counts)), int(counts.sum())),
            "mean_iou": None if np.isnan(told).all() else float(np.nanmean(told)),
            "person_iou": self._person_iou(),
            "covered": self._coverage.mean,
            "labels": labels,
            "only_a": self._alone[0],
            "only_b": self._alone[1],
            "without_common_pixels": self._skipped,
        }
        shown = [
            ("mean IoU of a picture", self._values, "unit"),
            ("pixel accuracy of a picture", self._accuracies, "unit"),
        ]
        headlines = (
            Headline("mIoU", figures["mean_iou"]),
            Headline("accuracy", figures["pixel_accuracy"]),
            Headline("IoU people", figures["person_iou"]),
        )
        tables = self._shown_tables(figures) if pictures else ()
        return Findings(figures, tables, distributions(shown), self._notes(), headlines, figures["covered"])

    def _person_iou(self) -> float | None:
        """IoU of people as a whole: all labels but the background."""
        people_a, people_b = (np.arange(len(self._keys)) != background for background in self._people)
        both = int(self._counts[np.ix_(people_a, people_b)].sum())
        either = int(self._counts[people_a].sum() + self._counts[:, people_b].sum()) - both
        return ratio(both, either)

    def _shown_tables(self, figures: dict[str, Any]) -> tuple[Table, ...]:
        names = ("pictures", "pixel_accuracy", "mean_iou", "person_iou")
        columns = ("", "pictures", "pixel accuracy", "mean IoU", "IoU of people")
        whole = Table("Parts", columns, (("A against B", *(figures[name] for name in names)),))
        rows = [
            (name, item["iou"], item["pixels_a"], item["pixels_b"])
            for name, item in figures["labels"].items()
            if item["iou"] is not None
        ]
        rows.sort(key=lambda row: -row[3])
        each = Table(
            "Labels", ("label", "IoU", "pixels in A", "pixels in B"), tuple(rows), "Of the labels that both have."
        )
        return (whole, each) if rows else (whole,)

    def _notes(self) -> tuple[str, ...]:
        alone = [
            f"Only {label} has {', '.join(names)}." for label, names in zip("AB", self._alone, strict=True) if names
        ]
        skipped = (
            [
                f"{plural(self._skipped, 'picture has', 'pictures have')} no pixels about which both layers say something."
            ]
            if self._skipped
            else []
        )
        share = [self._coverage.note] if self._coverage.note else []
        return (*alone, *share, *skipped)


def _table(positions: list[int]) -> np.ndarray:
    """int (256,): where the label of each id is counted, ``NOT_NAMED`` for ids that are none."""
    table = np.full(UNKNOWN_LABEL + 1, NOT_NAMED)
    table[: len(positions)] = positions
    return table


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
