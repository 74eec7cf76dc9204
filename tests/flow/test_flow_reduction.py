"""One part: which way it goes, and what is counted on it."""

import pytest
from flow_bench import ListRecords, Room, run_map, run_reduce

from mincer.errors import OrderError, UserCodeError
from mincer.job import Step, by_range


def keyed(key, value):
    yield value, key


def outputs(step, *splits):
    return [run_map(step, ListRecords(split, 50), parts=1)[1] for split in splits]


def count(key, values):
    return len(values)


def test_keys_and_values_are_counted_on_every_way():
    for reducefn in (count, len):
        step = Step(keyed, reducefn)
        for room in (None, 3_000):
            made = run_reduce(
                step, outputs(step, range(500), range(250)), room=Room(room)
            )
            assert (made[1].keys, made[1].values) == (500, 750)
            assert made[1].part.pairs == 500


def test_folded_pieces_are_merged_into_one_order():
    step = Step(lambda k, v: [(v, 1)], sum, combinefn=sum, sort_keys=True)
    made = outputs(step, range(3000), range(0, 3000, 2))
    found, told, scratch = run_reduce(step, made, room=Room(60_000))
    assert found == [(n, 2 - n % 2) for n in range(3000)]
    assert (told.keys, told.values) == (3000, 4500)
    assert len(scratch.files) == 1


def test_keys_that_maps_have_in_common_weigh_once():
    step = Step(lambda k, v: [(v, 1)], sum, combinefn=sum, sort_keys=True)
    made = outputs(step, *[range(300)] * 9)
    # Nine tables would not fit; the one that they become does.
    found, _, scratch = run_reduce(step, made, room=Room(80_000))
    assert found == [(n, 9) for n in range(300)]
    assert scratch.files == []


def test_progress_is_published_by_keys():
    told = []
    step = Step(keyed, count)
    from mincer.flow.part import BlockPart
    from mincer.flow.stages import Program, reduce_task
    from mincer.store.memory import MemoryScratch, MemorySegment

    reduce_task(
        Program(step, 1),
        0,
        outputs(step, range(3000)),
        BlockPart(MemorySegment()),
        MemoryScratch(),
        Room(),
        lambda keys, done: told.append(keys),
    )
    assert told == [1024, 2048]


def test_what_fits_touches_no_disk():
    step = Step(keyed, count, sort_keys=True, sort_values=True)
    _, _, scratch = run_reduce(step, outputs(step, range(100)))
    assert scratch.files == []


def test_a_builtin_that_fails_is_told_with_its_key():
    step = Step(lambda k, v: [(v, 1), (v, "text")], sum)
    with pytest.raises(UserCodeError, match="reducefn raised TypeError") as caught:
        run_reduce(step, outputs(step, ["a"]))
    assert caught.value.where.key == "'a'"


def test_a_fold_that_fails_is_told_with_its_key():
    step = Step(lambda k, v: [(v, 1), (v, "text")], min)
    with pytest.raises(UserCodeError, match="reducefn raised TypeError") as caught:
        run_reduce(step, outputs(step, ["a"]))
    assert caught.value.where.key == "'a'"


def test_floats_are_summed_by_sum_itself():
    values = [0.1] * 10 + [1e16, 1.0, -1e16]
    step = Step(lambda k, v: [("k", v)], sum)
    assert run_reduce(step, outputs(step, values))[0] == [("k", sum(values))]


@pytest.mark.parametrize("room", [None, 2_000])
def test_keys_that_do_not_compare_are_named(room):
    step = Step(lambda k, v: [(v, 1)], count, sort_keys=True)
    values = [*range(150), "text"]
    with pytest.raises(OrderError, match="cannot be put in order"):
        run_reduce(step, outputs(step, values), room=Room(room))


def test_values_that_do_not_compare_are_named_with_their_key():
    step = Step(lambda k, v: [("k", v)], count, sort_values=True)
    with pytest.raises(OrderError) as caught:
        run_reduce(step, outputs(step, [1, "a"]))
    assert caught.value.where.key == "'k'"


def test_values_of_a_streamed_key_that_do_not_compare_are_named_with_their_key():
    step = Step(lambda k, v: [("k", v)], lambda k, vs: list(vs), sort_values=True)
    made = outputs(step, [*range(640), "text"])
    with pytest.raises(OrderError) as caught:
        run_reduce(step, made, room=Room(20_000))
    assert caught.value.where.key == "'k'"


def test_a_streamed_key_with_sorted_values_of_a_full_chunk():
    step = Step(
        lambda k, v: [("k", -v)], lambda k, values: list(values), sort_values=True
    )
    made, _, scratch = run_reduce(step, outputs(step, range(640)), room=Room(20_000))
    assert made == [("k", sorted(-n for n in range(640)))]
    assert len(scratch.files) == 2


@pytest.mark.parametrize("order", [True, lambda key: -key])
def test_keys_that_are_not_written_are_none_but_order_the_values(order):
    values = [n * 7 % 50 for n in range(50)]
    step = Step(keyed, sort_keys=order, partitionfn=by_range)
    made = outputs(step, values[:20], values[20:])
    told, _, scratch = run_reduce(step, made)
    found, counted, _ = run_reduce(step, made, keys_written=False)
    assert found == [(None, value) for _, value in told]
    assert [key for key, _ in told] == sorted(range(50), reverse=order is not True)
    assert (counted.values, counted.part.pairs) == (50, 50)
    assert scratch.files == []
