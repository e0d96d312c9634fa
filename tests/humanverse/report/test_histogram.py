import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.report.histogram import MOST_WHOLE, SHAPES, histogram

numbers = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(values=numbers, shape=st.sampled_from(["free", "unit"]))
def test_any_values_give_bars_and_a_median_on_the_drawing(values: list[float], shape: str) -> None:
    found = histogram(np.array(values), shape)
    assert max(bar.height for bar in found.bars) == 1
    assert all(0 <= bar.height <= 1 for bar in found.bars)
    assert sum(bar.width for bar in found.bars) == pytest.approx(1)
    assert found.median is not None and 0 <= found.median[0] <= 1


def test_every_value_is_in_its_bar() -> None:
    values = np.array([0.0, 0.02, 0.5, 0.51, 0.52, 1.0])
    found = histogram(values, "unit")
    heights = [bar.height for bar in found.bars]
    assert heights[0] == pytest.approx(2 / 3)
    assert heights[10] == 1
    assert heights[-1] == pytest.approx(1 / 3)
    assert found.bars[10].label == "0.5 to 0.55: 50.0 %"
    assert found.median == (pytest.approx(0.505), "0.505")


def test_whole_numbers_have_a_bar_each() -> None:
    found = histogram(np.array([0.0, 1, 1, 3]), "whole")
    assert [bar.height for bar in found.bars] == [0.5, 1, 0, 0.5]
    assert [bar.label.partition(":")[0] for bar in found.bars] == ["0", "1", "2", "3"]


def test_many_people_share_the_last_bar() -> None:
    found = histogram(np.array([1.0, 40, 50]), "whole")
    assert len(found.bars) == MOST_WHOLE + 1
    assert found.bars[-1].label == f"{MOST_WHOLE} and more: 66.7 %"


def test_a_wide_spread_gets_a_logarithmic_axis() -> None:
    found = histogram(np.geomspace(1, 10_000, 999), "free")
    assert "logarithmic" in found.summary
    assert found.median is not None and found.median[0] == pytest.approx(0.5, abs=0.01)
    assert min(bar.height for bar in found.bars) > 0.8


def test_a_long_tail_goes_into_the_last_bar() -> None:
    values = np.append(np.linspace(10, 20, 999), 100_000)
    found = histogram(values, "free")
    assert found.ticks[-1][1].startswith("≥ ")
    assert found.bars[-1].label.partition(":")[0].endswith("and more")
    assert min(bar.height for bar in found.bars) > 0.5


def test_equal_values_are_one_bar_in_the_middle() -> None:
    for value in (0.0, 640.0, -3.0):
        found = histogram(np.full(5, value), "free")
        assert [bar.height for bar in found.bars] == [0, 0, 1, 0, 0]
        assert found.median == (0.5, f"{value:g}")


def test_flags_are_a_share_without_a_median() -> None:
    found = histogram(np.array([0.0, 1, 1, 1]), "flag")
    assert found.median is None
    assert found.summary.startswith("yes: 75.0 %")


def test_the_number_of_values_may_exceed_those_at_hand() -> None:
    assert "1,000,000" in histogram(np.arange(10.0), "free", total=1_000_000).summary


def test_every_shape_can_be_drawn() -> None:
    for shape in SHAPES:
        assert histogram(np.array([0.0, 1.0]), shape).bars
