"""The benchmark's counting, its choice of batches and its page; and its command line with tiny networks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from annotators.base import Card, Picture, Row
from annotators.torch.base import TorchAnnotator
from benchmarks import estimators, peak
from benchmarks.estimator_speed import Found, Machine, of_peak, operations, parameters, turns
from benchmarks.estimators import main, significant, written
from tests.annotators import full_size, tiny
from tests.annotators.full_size import Full

WIDTH, TOKENS = 32, 10


class Network(torch.nn.Module):
    """A layer of a transformer: of known cost."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.TransformerEncoderLayer(WIDTH, 4, 64, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images)[:, 0, 0]


class Known(TorchAnnotator):
    """Looks at noise, whatever the picture."""

    card = Card("aesthetic", "known", 1, "for tests", "none", "none", "none", "none")
    fits = 10**9

    def build(self) -> Any:
        return Network()

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
        inputs = [torch.rand(TOKENS, WIDTH) for _ in pictures]
        return [{"score": score} for score in self.through(inputs, lambda batch, _: self._scores(batch))]

    def _scores(self, batch: torch.Tensor) -> list[float]:
        if len(batch) > self.fits:
            raise MemoryError
        scores: list[float] = self.model(batch).tolist()
        return scores


def known(fits: int = 10**9) -> Known:
    made = Known()
    made.load()
    made.fits = fits
    return made


def test_operations_are_those_of_every_product_with_attention_in_it() -> None:
    projections = 4 * WIDTH * WIDTH
    feed_forward = 2 * WIDTH * 64
    attention = 2 * TOKENS * WIDTH
    assert operations(known()) == 2 * TOKENS * (projections + feed_forward + attention)


def test_a_network_in_pieces_counts_each_parameter_once_in_each() -> None:
    network = Network()
    assert parameters({"a": network, "b": network}) == 2 * parameters(network)


def test_batches_grow_until_memory_runs_out() -> None:
    assert [one.batch for one in turns(known(fits=2), 64, 0.0)] == [1, 2, 2]


def test_batches_stop_where_it_was_asked_for() -> None:
    assert max(one.batch for one in turns(known(), 4, 0.0)) <= 4


def test_an_estimator_that_cannot_look_at_one_picture_says_why() -> None:
    with pytest.raises(MemoryError):
        list(turns(known(fits=0), 4, 0.0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("NVIDIA H200, 139.8 GiB", 989.4e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA A100-SXM4-80GB", 312e12)],
)
def test_peaks_of_known_gpus(name: str, expected: float) -> None:
    assert peak.of(name, "bfloat16", "cuda:0") == peak.Peak(expected, "data sheet")
    assert peak.of(name, "float32", "cuda:0").operations < expected / 10


def test_a_peak_that_is_not_known_is_the_fastest_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = iter((3e9, 2e9, 5e9))
    monkeypatch.setattr(peak, "measured", lambda *asked: next(speeds))
    found = [peak.of("slowed down", "float32", "cpu", again).operations for again in (False, False, True, True)]
    assert found == [3e9, 3e9, 3e9, 5e9]


def test_a_peak_that_is_not_known_is_measured() -> None:
    found = peak.of("some processor", "float32", "cpu")
    assert found.operations > 1e8 and found.source.startswith("measured")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.012345, "0.0123"), (1.2345, "1.23"), (12.345, "12.3"), (1234.5, "1230"), (0, "0"), (9.999, "10.0")],
)
def test_three_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_a_page_keeps_the_sections_of_other_processors() -> None:
    first = written("", "## A\n\none\n")
    both = written(first, "## B\n\ntwo\n")
    again = written(both, "## A\n\nthree\n")
    assert first.startswith("# Estimators: speed\n") and "one" in first
    assert [line for line in again.splitlines() if line.startswith("## ")] == ["## B", "## A"]
    assert "one" not in again and "two" in again and again.endswith("three\n")
    assert again.count("# Estimators: speed") == 1


def test_a_line_of_the_page() -> None:
    found = Found("bfloat16", 32, 123.4, 250.0, 0.5, 3.21, 1_234_000_000)
    assert estimators.cells("depth=omnidata", found, 0.126) == (
        *("`depth=omnidata`", "1.23 G", "bfloat16", "32", "123", "250", "0.500", "13 %", "3.2 GB"),
    )


def test_the_part_of_the_peak_is_of_the_networks_time() -> None:
    found = Found("bfloat16", 32, 100.0, 494.7, 0.5, 3.21, 1_000_000)
    assert of_peak(found, Machine("NVIDIA H200, 139.8 GiB", "cuda:0", 1)) == pytest.approx(0.25)


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.annotators.pose import tiny as poses

    small = {
        ("person", "yolos-tiny"): Full(lambda folder: [tiny.yolos(folder / "model")]),
        ("pose", "sapiens2"): Full(lambda folder: [poses.sapiens2(folder / "model")]),
        ("depth", "broken"): Full(annotator="tests.annotators.tiny:nothing"),
    }
    monkeypatch.setattr(full_size, "FULL", small)
    page = tmp_path / "results" / "estimators.md"
    assert main(["--device", "cpu", "--seconds", "0", "--most", "1", "--json", "--write", str(page)]) == 0
    told = capsys.readouterr()
    figures = json.loads(told.out.splitlines()[-1])
    assert figures["person=yolos-tiny.images_per_s"] > 0 and figures["pose=sapiens2.batch"] == 2
    assert figures["person=yolos-tiny.of_peak"] > 0 and figures["person=yolos-tiny.memory_gb"] > 0.1
    assert "depth=broken was not measured: " in told.err
    text = page.read_text()
    assert f"## {Machine.here('cpu', 1).name}" in text and "| `pose=sapiens2` |" in text and "broken" not in text
    assert main(["--only", "person=nobody"]) == 2
    assert "no random weights are known for it; there are person=yolos-tiny" in capsys.readouterr().err
