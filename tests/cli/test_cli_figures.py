"""Figures as people read them: never more digits than they can use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.cli.figures import duration, number, size


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 KB"),
        (12_345, "12.3 KB"),
        (999_400, "999 KB"),
        (999_999, "1.00 MB"),
        (1_234_567_890, "1.23 GB"),
        (5e15, "5,000 TB"),
    ],
)
def test_size(size_bytes, shown):
    assert size(size_bytes) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00 s"),
        (0.123, "0.12 s"),
        (0.999, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7_620, "2 h 07 min"),
    ],
)
def test_duration(seconds, shown):
    assert duration(seconds) == shown


def test_number():
    assert number(1234567.4) == "1,234,567"


@given(st.floats(min_value=0, max_value=9.9e14))
def test_a_size_is_always_short(size_bytes):
    figure, unit = size(size_bytes).split()
    assert len(figure) <= 4
    assert unit in {"B", "KB", "MB", "GB", "TB"}
