"""Bytes in words."""

from humanverse.sizes import size


def test_units_are_of_1000() -> None:
    assert [size(n) for n in (0, 999, 1000, 3_140_000, 2.5e12)] == ["0 B", "999 B", "1.0 kB", "3.1 MB", "2.5 TB"]
    assert [size(n) for n in (4e15, 1.5e18)] == ["4.0 PB", "1,500.0 PB"]
