"""A batch tells of its records one by one, and where each of them stands."""

from mincer.errors import Where
from mincer.flow.ports import Batch


def test_records_have_an_ordinal_a_place_a_key_and_a_value():
    batch = Batch(7, iter("ab"), [1, 2], 9, lambda index: Where("file", 100 + index))
    found = [(n, where(), key, value) for n, where, key, value in batch.records()]
    assert found == [
        (7, Where("file", 100, value="1"), "a", 1),
        (8, Where("file", 101, value="2"), "b", 2),
    ]


def test_a_place_that_shows_its_record_keeps_that():
    batch = Batch(0, ["k"], [1], 9, lambda index: Where("file", 3, "key", "shown"))
    assert batch.where(0) == Where("file", 3, "key", "shown")
