"""Arrays of float16: what is stored comes back, and what is damaged is told."""

from __future__ import annotations

import io

import numpy as np
import pytest

from humanverse.codec import arrays


def test_a_latent_comes_back_with_channels_first() -> None:
    latent = np.random.default_rng(0).normal(size=(5, 7, 4)).astype(np.float32)
    data, columns = arrays.encode_latent(latent)
    found = arrays.decode(data)
    assert (found.shape, found.dtype, columns, arrays.size(data)) == ((4, 5, 7), np.float16, {}, (7, 5))
    np.testing.assert_allclose(found.transpose(1, 2, 0), latent, rtol=2**-11, atol=1e-7)


def test_states_come_back_as_they_are() -> None:
    states = np.arange(12, dtype=np.float32).reshape(3, 4)
    data, _ = arrays.encode_states(states)
    np.testing.assert_array_equal(arrays.decode(data), states)
    assert arrays.size(data) == (4, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 70_000.0])
def test_what_float16_cannot_hold_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite, or too large for float16"):
        arrays.encode(np.array([[1.0, bad]]))


def test_what_is_no_whole_array_of_float16_is_told() -> None:
    data = arrays.encode(np.ones((3, 4)))
    for damaged in (data[:-1], b"nothing", b""):
        with pytest.raises(ValueError, match=r"not a whole \.npy file"):
            arrays.decode(damaged)
        assert arrays.size(damaged) is None
    for other in (np.ones(3, np.float32), np.array([{}], object)):
        stream = io.BytesIO()
        np.save(stream, other, allow_pickle=True)
        assert arrays.size(stream.getvalue()) is None
    stream = io.BytesIO()
    np.save(stream, np.array([[np.nan]], np.float16))
    assert arrays.size(stream.getvalue()) is None
