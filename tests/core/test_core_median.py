"""The median of a stream of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from mincer.core.median import Median


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_the_median_is_the_one_in_the_middle(numbers):
    median = Median()
    for count, number in enumerate(numbers, 1):
        median.add(number)
        assert len(median) == count
        assert median.value == sorted(numbers[:count])[count // 2]
