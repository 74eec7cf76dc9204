"""The room that a limit leaves, and the guard over it."""

import pytest

from mincer.errors import OverMemoryError
from mincer.flow.budget import Budget
from mincer.limits import BUFFER_BYTES


class Resident:
    """Tells the sizes given, the last one for ever."""

    def __init__(self, *sizes):
        self.sizes = list(sizes)

    def __call__(self):
        return self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0]


def test_no_limit_is_endless_room_and_never_tight():
    budget = Budget(None)
    assert budget.room_bytes == float("inf")
    assert not budget.tight()


def test_the_room_is_most_of_what_is_left():
    budget = Budget(200_000_000, Resident(30_000_000))
    left = 200_000_000 - 30_000_000 - BUFFER_BYTES
    assert left / 2 < budget.room_bytes < left


def test_imports_that_leave_no_room_are_told_with_what_to_type():
    with pytest.raises(OverMemoryError, match="your imports use 90 MB") as caught:
        Budget(128_000_000, Resident(90_000_000))
    assert 'memory="131MB"' in caught.value.hint


def test_it_is_tight_near_the_limit_and_again_only_when_it_grew():
    sizes = [50, 60, 119, 119, 120, 121, 125, 125]
    budget = Budget(128_000_000, Resident(*(size * 1_000_000 for size in sizes)))
    assert not budget.tight()
    assert budget.tight()
    assert not budget.tight()
    assert not budget.tight()
    assert budget.tight()


def test_what_a_collection_gives_back_was_not_tight():
    sizes = Resident(50_000_000, 120_000_000, 60_000_000)
    assert not Budget(128_000_000, sizes).tight()
