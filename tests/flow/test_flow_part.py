"""A part in blocks of ours, and its pairs as records again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import SegmentError
from mincer.flow.part import BlockPart, read_part, records_of
from mincer.store.memory import MemorySegment


def written(columns):
    out = MemorySegment(name="a part")
    part = BlockPart(out)
    for keys, values in columns:
        part.write(keys, values)
    return out, part.close()


def test_what_is_written_is_read_block_by_block():
    columns = [([1, 2], ["a", "b"]), ([3], [None])]
    out, made = written(columns)
    assert list(read_part(out)) == columns
    assert (made.pairs, made.size_bytes) == (3, out.length_bytes)


def test_nothing_written_is_nothing_read():
    out, made = written([])
    assert list(read_part(out)) == []
    assert made.pairs == 0


def test_an_abort_leaves_the_segment_to_its_owner():
    out = MemorySegment()
    BlockPart(out).abort()
    assert not out.closed


def test_damage_names_the_part():
    out, _ = written([([1], [2])])
    out.data[-1] ^= 1
    with pytest.raises(SegmentError) as caught:
        list(read_part(out))
    assert caught.value.segment == "a part"


@given(st.lists(st.integers(1, 4), max_size=5), st.sets(st.integers(0, 20)))
def test_records_are_the_pairs_but_for_those_left_out(sizes, skip):
    columns, n = [], 0
    for size in sizes:
        columns.append((list(range(n, n + size)), [-i for i in range(n, n + size)]))
        n += size
    found = []
    for batch in records_of(iter(columns), "part 1", frozenset(skip)):
        assert batch.values
        for i, (key, value) in enumerate(zip(batch.keys, batch.values, strict=True)):
            assert key == batch.first + i == -value
            assert str(batch.locate(i)) == f"part 1 at {key}"
            found.append(key)
    assert found == [i for i in range(n) if i not in skip]
