"""Numbers that are functions of what they are asked for."""

from __future__ import annotations

import numpy as np

from humanverse.loading.scatter import salt, scatter, shares, shuffled


def test_numbers_are_the_same_on_every_machine() -> None:
    assert salt("order", 0, 1) == 9205141000279108220
    assert scatter(np.arange(2), 0).tolist() == [16294208416658607535, 7960286522194355700]
    assert shares(2, "sample", 0, 0, "ab") == [0.6877937742435176, 0.116927025555564]


def test_no_two_numbers_are_alike_and_another_salt_gives_others() -> None:
    values = np.arange(100_000)
    one, other = scatter(values, 1), scatter(values, 2)
    assert len(set(one.tolist())) == len(values) and (one != other).all()


def test_shuffling_moves_everything_and_loses_nothing() -> None:
    values = np.arange(1000, 2000)
    moved = shuffled(values, 5)
    assert sorted(moved) == values.tolist() and (moved != values).mean() > 0.99
    assert abs(np.corrcoef(moved, values)[0, 1]) < 0.1


def test_shares_are_uniform_and_unrelated() -> None:
    drawn = np.array([shares(4, "sample", 0, 0, number) for number in range(4000)])
    assert drawn.min() >= 0 and drawn.max() < 1
    np.testing.assert_allclose(drawn.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(drawn.T) - np.eye(4), 0, atol=0.06)
