"""What is dropped is decided by seed, sample and name, and by nothing else."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.dropout import kept, only_kept, share

RATES = {"text": 0.5, "skeleton": 0.5, "depth": 0.5, "normal": 0.5}


def test_shares_are_fixed_numbers() -> None:
    """A run that is resumed years later drops the same."""
    assert share(0, 0, "text") == 0.1523629487915037
    assert share(7, 123456789, "normal") == 0.8076354557985431


def test_a_sample_is_judged_alike_in_any_company() -> None:
    together = kept(3, range(100), RATES)
    for start, end in ((0, 1), (17, 60), (99, 100)):
        part = kept(3, range(start, end), {**RATES, "parts": 0.5})
        assert all(torch.equal(part[name], together[name][start:end]) for name in RATES)


def test_conditions_are_dropped_as_often_as_asked_and_on_their_own() -> None:
    masks = kept(0, range(4000), {**RATES, "text": 0.15})
    assert masks["text"].float().mean().item() == pytest.approx(0.85, abs=0.02)
    maps = torch.stack([masks[name] for name in ("skeleton", "depth", "normal")]).long()
    combinations = torch.bincount(4 * maps[0] + 2 * maps[1] + maps[2], minlength=8) / 4000
    assert combinations.tolist() == pytest.approx([0.125] * 8, abs=0.02)


def test_seeds_and_samples_differ() -> None:
    assert not torch.equal(kept(0, range(64), RATES)["text"], kept(1, range(64), RATES)["text"])
    assert not torch.equal(kept(0, range(64), RATES)["text"], kept(0, range(64, 128), RATES)["text"])


@pytest.mark.parametrize(("rate", "all_kept"), [(0, True), (1, False)])
def test_never_and_always(rate: float, all_kept: bool) -> None:
    assert (kept(0, range(200), {"text": rate})["text"] == all_kept).all()


def test_a_rate_out_of_range_is_told() -> None:
    with pytest.raises(UserError, match=r"'text'.*1\.5"):
        kept(0, [0], {"text": 1.5})


def test_what_is_dropped_is_zero_or_what_is_given_instead() -> None:
    keep = torch.tensor([True, False])
    maps = torch.ones(2, 3, 4, 4)
    assert only_kept(maps, keep).sum(dim=(1, 2, 3)).tolist() == [48, 0]
    empty = torch.full((5, 6), 9.0)
    text = only_kept(torch.ones(2, 5, 6), keep, instead=empty)
    assert (text[0] == 1).all() and (text[1] == 9).all()
