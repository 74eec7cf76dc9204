"""A bucket larger than the room: every way through it gives the same groups."""

from collections import defaultdict
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincer.codec.blocks import Block
from mincer.flow.overflow import Piles, overflow
from mincer.store.memory import MemoryScratch
from mincer.values import Values

EACH = 200.0


class SameHash:
    """Different keys of one hash, so that dealing cannot part them."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    def __hash__(self):
        return 7


def stream_of(pairs, step=10):
    for at in range(0, len(pairs), step):
        groups = defaultdict(list)
        for key, value in pairs[at : at + step]:
            groups[key].append(value)
        counts = list(map(len, groups.values()))
        values = [value for some in groups.values() for value in some]
        alone = len(values) == len(groups)
        yield Block(list(groups), None if alone else counts, values)


def groups_of(pairs, room_bytes, step=10):
    scratch = MemoryScratch()
    stream = partial(stream_of, pairs, step)
    keys = sum(len(block.keys) for block in stream())
    found, streamed = {}, set()
    for bundle in overflow(
        stream, keys, len(pairs), EACH * len(pairs), room_bytes, scratch
    ):
        held = 0
        keys = bundle.groups.keys
        for key, values in zip(keys, bundle.groups.take(keys), strict=True):
            assert key not in found
            found[key] = list(values) if type(values) is Values else [values]
            held += len(found[key])
        assert held * EACH <= 2 * room_bytes
        for key, values in bundle.streamed:
            assert key not in found
            assert len(values) == len(list(values))
            found[key] = list(values)
            streamed.add(key)
    assert all(file.closed for file in scratch.files)
    return found, streamed


def expected(pairs):
    groups = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers()), min_size=1, max_size=400),
    st.sampled_from([1_000, 5_000, 20_000]),
)
def test_the_groups_are_those_of_a_dict(pairs, room_bytes):
    assert groups_of(pairs, room_bytes)[0] == expected(pairs)


def test_a_heavy_key_is_streamed_and_the_rest_is_not():
    pairs = [("heavy", n) for n in range(500)] + [(n, n) for n in range(20)]
    found, streamed = groups_of(pairs, 20_000)
    assert found == expected(pairs)
    assert streamed == {"heavy"}


def test_heavy_keys_in_a_rest_that_does_not_fit():
    pairs = [(n % 40, n) for n in range(2000)] + [("heavy", n) for n in range(500)]
    # In large blocks, so that there is room to count the keys.
    found, streamed = groups_of(pairs, 60_000, step=500)
    assert found == expected(pairs)
    assert streamed == {"heavy"}


def test_very_many_keys_are_dealt_before_they_are_counted():
    pairs = [(n, n) for n in range(5000)]
    found, streamed = groups_of(pairs, 20_000)
    assert found == expected(pairs)
    assert streamed == set()


@pytest.mark.parametrize("count", [30, 300])
def test_keys_of_one_hash_are_taken_some_at_a_time(count):
    keys = [SameHash(n) for n in range(count)]
    pairs = [(key, n) for n in range(4) for key in keys]
    found, _ = groups_of(pairs, 4_000)
    assert found == expected(pairs)


def test_heavy_keys_of_one_hash():
    keys = [SameHash(n) for n in range(60)]
    pairs = [(key, n) for n in range(4) for key in keys]
    pairs += [(keys[0], n) for n in range(50)]
    found, streamed = groups_of(pairs, 4_000)
    assert found == expected(pairs)
    assert keys[0] in streamed


def test_piles_grow_side_by_side():
    scratch = MemoryScratch()
    piles = Piles(scratch)
    piles.add("a", 1, [10, 11])
    piles.flush_if(5)
    assert scratch.files[0].length_bytes == 0
    piles.add("b", 2, [20])
    piles.flush_if(2)
    assert scratch.files[0].length_bytes > 0
    piles.add("a", 3, [30])
    piles.flush()
    assert [block.values for block in piles.blocks("a")] == [[10, 11], [30]]
    assert list(piles.blocks("nobody")) == []
    assert list(piles.values("b")) == [20]
    assert (piles.counts["a"], piles.keys["a"]) == (3, 2)
    piles.close()
    assert scratch.files[0].closed
