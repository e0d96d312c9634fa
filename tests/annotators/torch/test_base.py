"""An annotator on PyTorch: its device, its numbers, its batches, and what of these is in the fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Card, Picture, Row
from annotators.run import Runner
from annotators.torch import device
from annotators.torch.base import TorchAnnotator
from annotators.torch.batching import flattened, regrouped
from humanverse.codec import encode_jpeg
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.datasets import make_dataset


class Mean(TorchAnnotator):
    """Says the mean of all numbers; a batch of more than ``fits`` does not."""

    card = Card("aesthetic", "mean", 1, "", "", "", "", "", packages={"torch": "torch"})
    halves = True
    fits = 1000
    sizes: list[int]

    def build(self) -> Any:
        self.sizes = []
        return torch.nn.Dropout(0.99)

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
        inputs = [torch.from_numpy(picture.rgb.copy()).permute(2, 0, 1) / 255 for picture in pictures]
        return self.through(inputs, self._rows)

    def _rows(self, batch: Any, positions: list[int]) -> list[Row]:
        if len(batch) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB.")
        assert torch.is_inference_mode_enabled() and batch.is_inference()
        self.sizes.append(len(batch))
        return [{"score": float(value)} for value in self.model(batch).mean(dim=(1, 2, 3), dtype=torch.float32)]


class PerPerson(Mean):
    """Looks at one crop for each person, of all pictures together, and says how bright the brightest is."""

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
        crops, lengths = flattened([self._crops(*item) for item in zip(pictures, needs["person"], strict=True)])
        scores = self.through(crops, lambda batch, _: batch.mean(dim=(1, 2, 3)).tolist())
        self.sizes.append(len(crops))
        return [{"score": max(found, default=0.0)} for found in regrouped(scores, lengths)]

    def _crops(self, picture: Picture, person: Row) -> list[Any]:
        whole = torch.from_numpy(picture.rgb.copy()).permute(2, 0, 1) / 255
        return [whole[:, int(y) : int(y) + 4, int(x) : int(x) + 4] for x, y, _, _ in person["boxes"]]


def pictures(count: int) -> list[Picture]:
    """Grey, each brighter than the one before, of two shapes in turn."""
    shapes = [(8, 12, 3), (12, 8, 3)]
    return [
        Picture(f"{index:032x}", encode_jpeg(np.full(shapes[index % 2], index * 10, np.uint8), 100))
        for index in range(count)
    ]


def loaded(kind: type[Mean], **settings: Any) -> Mean:
    made = kind(kind.Settings(**settings))
    made.load()
    return made


@pytest.mark.parametrize("size", [None, 1, 4, 64])
@pytest.mark.parametrize("fits", [1, 3, 1000])
def test_rows_are_the_same_however_many_fit(size: int | None, fits: int) -> None:
    made = loaded(Mean, batch_size=size)
    made.fits = fits
    rows = Runner(made).table(pictures(20), {}).to_pylist()
    assert [row["score"] for row in rows] == pytest.approx([index * 10 / 255 for index in range(20)], abs=1e-2)
    assert max(made.sizes) <= min(size or 1, fits, 10) and sum(made.sizes) == 20
    assert not any(parameter.requires_grad for parameter in made.model.parameters()) and not made.model.training


def test_a_picture_that_does_not_fit_alone_is_a_failed_row() -> None:
    made = loaded(Mean, batch_size=4)
    made.fits = 0
    rows = Runner(made).table(pictures(3), {}).to_pylist()
    assert {row["reason"] for row in rows} == {"OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB."}


def test_crops_of_many_pictures_are_one_batch() -> None:
    made = loaded(PerPerson, batch_size=8)
    people = [{"boxes": [[0.0, 0, 4, 4]] * count} for count in (2, 0, 3, 1)]
    rows = Runner(made).table(pictures(4), {"person": people}).to_pylist()
    assert [row["score"] for row in rows] == pytest.approx([0, 0, 20 / 255, 30 / 255], abs=1e-2)
    assert made.sizes == [6]


def test_settling_makes_answers_repeatable() -> None:
    loaded(Mean, threads=1)
    assert torch.get_num_threads() == 1 and torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark


def test_numbers_of_16_bits_are_computed_with_when_asked_for() -> None:
    made = loaded(Mean, dtype="bfloat16")
    seen: list[Any] = []
    made.through([torch.zeros(3, 2, 2)], lambda batch, _: [seen.append(batch.dtype)])
    assert seen == [torch.bfloat16]


def test_what_is_written_down_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", lambda: ["Card A, 16.0 GiB"])
    here, there = Mean(), Mean(device="cuda")
    assert (here.batch_size, there.batch_size) == (1, 64)
    assert Mean(Mean.Settings(batch_size=8)).batch_size == 32
    assert (here.deciding(), there.deciding()) == ({"dtype": "float32"}, {"dtype": "bfloat16"})
    assert (here.where(), there.where()) == (None, "device cuda: cuda:0, Card A, 16.0 GiB")
    assert Mean(Mean.Settings(dtype="float32"), "cuda").deciding() == here.deciding()


def test_the_machine_that_starts_a_job_needs_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", list)
    there = Mean(device="cuda")
    assert there.provenance({})["settings"] == {"dtype": "bfloat16"} and there.batch_size == 64
    with pytest.raises(UserError, match=r"^device cuda is not here"):
        there.load()
    by_chance = Mean(device="auto")
    assert (by_chance.deciding(), by_chance.batch_size) == ({"dtype": "float32"}, 1)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=1, per_shard=3)
    return tmp_path / "people"


MEAN = Asked({"aesthetic": "tests.annotators.torch.test_base:Mean"})


def test_a_gpu_that_is_not_here_is_refused_before_anything_is_written(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "gpus", list)
    with pytest.raises(UserError, match=r"^device cuda is not here: "):
        annotate(str(people), MEAN, device="cuda", local=True)
    assert not (people / "layers" / "aesthetic").exists()


def test_auto_takes_what_is_there(
    people: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device, "gpus", list)
    assert annotate(str(people), MEAN, device="auto", local=True).rows == {"aesthetic/mean": {"ok": 3}}
    assert "device auto: cpu, since no GPU was found" in capfd.readouterr().err
