"""A part is read in passes that fit into the room."""

from hypothesis import given
from hypothesis import strategies as st

from mincer.flow.fetcher import PartInput
from mincer.flow.partitioner import HashPartitioner
from mincer.flow.spiller import Spiller
from mincer.store.memory import MemorySegment

PARTITIONER = HashPartitioner(1)


def outputs(*tables):
    for keys in tables:
        out = MemorySegment()
        spiller = Spiller(out, PARTITIONER)
        spiller.spill(keys, keys, grouped=False)
        spiller.close()
        yield out


def part(*tables):
    return PartInput(outputs(*tables), *PARTITIONER.bounds(0))


KEYS = st.lists(st.integers(0, 2000), max_size=60)


@given(KEYS, KEYS, st.sampled_from([0, 500, 5_000, float("inf")]))
def test_passes_hold_everything_once_and_fit_where_they_can(one, two, room):
    source = part(one, two)
    passes = source.passes(room)
    read = [key for p in passes for block in source.blocks(p) for key in block.keys]
    streamed = [key for p in passes for block in source.stream(p) for key in block.keys]
    assert sorted(read) == sorted(streamed) == sorted(one + two)
    for one_pass in passes:
        assert one_pass.weight_bytes <= room or one_pass.last == one_pass.first + 1
    assert sum(p.keys for p in passes) == sum(p.values for p in passes) == len(read)


def test_with_room_enough_there_is_one_pass():
    assert len(part(list(range(300))).passes(float("inf"))) == 1
    assert part([], []).passes(1000) == []


def test_outputs_are_read_in_the_order_they_are_given():
    source = part([5], [5], [5])
    (one,) = source.passes(float("inf"))
    assert [block.values for block in source.blocks(one)] == [[5]] * 3
