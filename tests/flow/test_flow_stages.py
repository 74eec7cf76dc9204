"""The stages together: any room, any number of splits, the answer of plain Python."""

import gc
from collections import Counter, defaultdict
from itertools import chain

import pytest
from flow_bench import (
    ListRecords,
    Room,
    map_attempt,
    run_map,
    run_reduce,
    run_step,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mincer.flow.part import BlockPart, read_part
from mincer.flow.stages import Program, map_task
from mincer.job import Step, by_range
from mincer.store.memory import MemorySegment

#: From "everything spills at once" to "nothing ever does".
ROOMS = st.sampled_from([2_000, 20_000, 200_000, None])
SPLITS = st.lists(st.lists(st.integers(0, 60), max_size=300), max_size=4)


def ones(key, value):
    yield value, 1


def pairs(key, value):
    return [(value % 7, key), (value, -key)]


def mapping(key, value):
    return {value: 1} if value % 2 else None


class Summing:
    """A mapfn with a memory: it gives what it has when it is closed."""

    def __init__(self):
        self.counts = Counter()

    def __call__(self, key, value):
        self.counts[value] += 1

    def close(self):
        return self.counts.items()


def total(key, values):
    return sum(values)


def spread(key, values):
    yield key, len(values)
    for value in values:
        yield -1, value


class Keeping:
    """A reducefn with a memory."""

    def __init__(self):
        self.keys = 0

    def __call__(self, key, values):
        self.keys += 1
        return sum(values) + sum(values) - sum(values)

    def close(self):
        yield "keys", self.keys


def parity(key, parts):
    return key % 2 % parts


STEPS = {
    "fold": Step(ones, sum, combinefn=sum),
    "opaque": Step(ones, total, combinefn=total),
    "uncombined": Step(ones, total),
    "builtin": Step(ones, len),
    "mapping": Step(mapping, sum, combinefn=sum),
    "class": Step(Summing, sum),
    "sorted": Step(ones, total, sort_keys=True),
    "backwards": Step(ones, total, combinefn=sum, sort_keys=lambda key: -key),
    "by range": Step(ones, total, sort_keys=True, partitionfn=by_range),
    "ranges": Step(ones, sum, combinefn=sum, partitionfn=by_range),
    "own parts": Step(ones, total, partitionfn=parity),
}


ONES_AND_TWOS = [[1] * 300, [2, 1] * 150]


@pytest.mark.parametrize("name", STEPS)
@settings(max_examples=15)
@given(
    splits=SPLITS, parts=st.integers(1, 4), room_bytes=ROOMS, cut_parts=st.booleans()
)
@example(splits=ONES_AND_TWOS, parts=2, room_bytes=2_000, cut_parts=True)
@example(splits=ONES_AND_TWOS, parts=2, room_bytes=2_000, cut_parts=False)
@example(splits=[[*range(300)]] * 2, parts=2, room_bytes=9_000, cut_parts=False)
@example(splits=[], parts=2, room_bytes=None, cut_parts=True)
def test_counts_are_those_of_a_dict(name, splits, parts, room_bytes, cut_parts):
    step = STEPS[name]
    made = run_step(step, splits, parts, room_bytes, cut_parts)
    expected = Counter(chain.from_iterable(splits))
    if name == "mapping":
        expected = Counter({k: n for k, n in expected.items() if k % 2})
    found = list(chain.from_iterable(made))
    assert dict(found) == dict(expected)
    assert len(found) == len(expected)
    if step.sort_keys:
        order = None if step.sort_keys is True else step.sort_keys
        whole = [found] if step.total_order else made
        for part in whole:
            keys = [key for key, _ in part]
            assert keys == sorted(keys, key=order)
    if name == "own parts":
        for part, some in enumerate(made):
            assert all(key % 2 % parts == part for key, _ in some)


@settings(max_examples=40)
@given(splits=SPLITS, room_bytes=ROOMS, ordered=st.booleans(), backwards=st.booleans())
@example([[5] * 299 + [1]], 2_000, True, True)
def test_values_are_sorted_and_seen_as_often_as_one_likes(
    splits, room_bytes, ordered, backwards
):
    order = (lambda value: -value) if backwards else True

    def thrice(key, values):
        first = list(values)
        assert list(values) == first
        return len(values), first

    step = Step(pairs, thrice, sort_values=order, sort_keys=ordered)
    groups = defaultdict(list)
    for split in splits:
        for key, value in enumerate(split):
            for k, v in pairs(key, value):
                groups[k].append(v)
    expected = {
        key: (len(values), sorted(values, reverse=backwards))
        for key, values in groups.items()
    }
    found = list(chain.from_iterable(run_step(step, splits, 2, room_bytes)))
    assert dict(found) == expected


@settings(max_examples=40)
@given(splits=SPLITS, room_bytes=ROOMS)
def test_a_generator_gives_any_pairs(splits, room_bytes):
    found = Counter(chain.from_iterable(run_step(Step(ones, spread), splits, 2)))
    counts = Counter(chain.from_iterable(splits))
    expected = Counter(counts.items()) + Counter({(-1, 1): counts.total()})
    assert found == +expected
    tight = run_step(Step(ones, spread), splits, 2, room_bytes)
    assert Counter(chain.from_iterable(tight)) == found


@pytest.mark.parametrize(
    "step",
    [
        Step(pairs, sort_keys=True, partitionfn=by_range),
        Step(pairs, sort_keys=True),
        Step(pairs, sort_keys=lambda key: -key, partitionfn=by_range),
        Step(pairs, partitionfn=parity),
        Step(pairs, partitionfn=by_range),
        Step(pairs, sort_values=True),
    ],
    ids=repr,
)
@settings(max_examples=25)
@given(splits=SPLITS, room_bytes=ROOMS)
@example(splits=[[3] * 250, [3] * 250], room_bytes=2_000)
def test_without_a_reducer_pairs_come_out_as_they_are(step, splits, room_bytes):
    made = run_step(step, splits, 2, room_bytes)
    expected = [
        pair
        for split in splits
        for key, value in enumerate(split)
        for pair in pairs(key, value)
    ]
    found = list(chain.from_iterable(made))
    assert Counter(found) == Counter(expected)
    if step.total_order:
        order = None if step.sort_keys is True else step.sort_keys
        # Stable: equal keys keep the order of the input.
        keyed = (lambda p: p[0]) if order is None else (lambda p: order(p[0]))
        assert found == sorted(expected, key=keyed)


def test_a_class_may_close_with_last_pairs_after_its_keys():
    (part,) = run_step(Step(ones, Keeping, sort_keys=True), [[3, 1, 3]], 1)
    assert part == [(1, 1), (3, 2), ("keys", 2)]


def test_a_map_without_a_shuffle_writes_its_part():
    out = MemorySegment()
    made = map_task(Program(Step(pairs), 0), map_attempt([1, 8]), None, BlockPart(out))
    assert list(read_part(out)) == [([1, 1, 1, 8], [0, 0, 1, -1])]
    assert made.part.pairs == made.pairs == 4


def test_what_a_map_made_is_counted():
    made, out = run_map(Step(ones, total), [1, 1, 2])
    assert (made.records, made.bytes_read, made.pairs) == (3, 3, 3)
    assert (made.keys_out, made.values_out, made.runs) == (2, 3, 1)
    assert out.length_bytes > 0
    empty, _ = run_map(Step(ones, total), [])
    assert (empty.records, empty.runs) == (0, 0)


@settings(max_examples=30)
@given(
    st.permutations(list(range(40)) * 2),
    st.sampled_from(["fold", "uncombined", "by range", "own parts"]),
)
def test_the_digest_is_of_the_pairs_in_any_order(values, name):
    step = STEPS[name]
    digest = run_map(step, values, cuts=[10, 20])[0].digest
    assert digest == run_map(step, sorted(values), cuts=[10, 20])[0].digest
    changed = run_map(step, [*values[1:], 1000], cuts=[10, 20])[0].digest
    assert changed != digest


def test_keys_of_any_kind_are_sorted_with_nan_last():
    step = Step(lambda k, v: [(v, k)], sort_keys=True, partitionfn=by_range)
    values = [2.5, float("nan"), 1.5, float("-inf")]
    parts = run_step(step, [ListRecords(values)], 2)
    keys = [key for part in parts for key, _ in part]
    assert keys[:3] == [float("-inf"), 1.5, 2.5]
    assert keys[3] != keys[3]


def test_without_a_shuffle_any_key_will_do():
    out = MemorySegment()
    attempt = map_attempt([["list"]], exact=True)
    step = Step(lambda key, value: [(value, 1)])
    map_task(Program(step, 0), attempt, None, BlockPart(out))
    assert list(read_part(out)) == [([["list"]], [1])]


def test_the_collector_is_left_as_it_was():
    assert gc.isenabled()
    run_map(Step(ones, sum), [1])
    assert gc.isenabled()
    gc.disable()
    try:
        run_map(Step(ones, sum), [1])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_careful_attempt_publishes_each_record():
    told = []
    run_map(
        Step(ones, sum, combinefn=sum),
        ["a", "b", "c"],
        careful=True,
        publish=lambda ordinal, done: told.append(ordinal),
    )
    assert [ordinal for ordinal in told if ordinal >= 0][-3:] == [0, 1, 2]
    assert told[-1] == -1


def test_a_limit_of_records():
    assert run_map(Step(ones, sum), range(100), records_max=10)[0].records == 10
    assert run_map(Step(ones, sum), range(5), records_max=10)[0].records == 5
    assert run_map(Step(ones, sum), range(14), records_max=7)[0].records == 7


def test_a_spill_is_made_when_memory_is_tight():
    def many(key, value):
        for n in range(70_000):
            yield n % 100, 1

    made, out = run_map(Step(many, total), [0, 1], room=Room(tight_every=1), parts=1)
    assert made.runs == 3
    assert run_reduce(Step(many, total), [out])[0][0][1] == 1400
