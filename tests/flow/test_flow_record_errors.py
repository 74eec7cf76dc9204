"""What goes wrong at one record: it is named, whatever it was, and may be left out."""

import pytest
from flow_bench import ListRecords, run_map, run_reduce

import mincer
from mincer.context import Context
from mincer.errors import (
    BadKeyError,
    InputError,
    SegmentError,
    ShipError,
    UsageError,
    UserCodeError,
)
from mincer.flow.ports import BadRecord
from mincer.flow.stages import RecordError
from mincer.job import Step, by_range


def ones(key, value):
    yield value, 1


def total(key, values):
    return sum(values)


def raising(error):
    def mapfn(key, value):
        if value == "bad":
            raise error
        yield value, 1

    return mapfn


def failed(step, values, **more):
    with pytest.raises(RecordError) as caught:
        run_map(step, values, **more)
    return caught.value


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), OSError("no")])
def test_an_exception_knows_its_record(error):
    values = ["a"] * 10 + ["bad"] + ["b"] * 10
    caught = failed(Step(raising(error), sum), values)
    assert caught.ordinal == 10
    assert isinstance(caught.error, UserCodeError)
    assert type(error).__name__ in caught.error.what
    assert (caught.error.where.offset, caught.error.where.value) == (10, "'bad'")


def test_a_record_may_be_left_out():
    step = Step(raising(ValueError()), sum)
    made, out = run_map(step, ["a", "bad", "a"], parts=1, skip=frozenset({1}))
    assert made.records == 2
    assert run_reduce(step, [out])[0] == [("a", 2)]


@pytest.mark.parametrize("combinefn", [None, sum, total])
@pytest.mark.parametrize(
    ("pair", "kind", "says"),
    [
        (5, UserCodeError, "5, which is not a (key, value) pair"),
        ((1, 2, 3), UserCodeError, "(1, 2, 3), which is not"),
        ((["k"], 1), BadKeyError, "list cannot be hashed"),
        (((1, ["k"]), 1), BadKeyError, "list cannot be hashed"),
        ((object(), 1), BadKeyError, "told apart by identity"),
    ],
)
def test_what_is_no_pair_names_its_record(pair, kind, says, combinefn):
    def mapfn(key, value):
        yield pair if value == "bad" else (value, 1)

    values = ["a"] * 50 + ["bad"]
    caught = failed(Step(mapfn, sum, combinefn=combinefn), values)
    assert caught.ordinal == 50
    assert isinstance(caught.error, kind)
    assert says in caught.error.what


@pytest.mark.parametrize("key", [["k"], (1, ["k"])])
def test_keys_that_are_only_sorted_must_be_keys_too(key):
    step = Step(lambda k, v: [(key, 1)], sort_keys=True, partitionfn=by_range)
    caught = failed(step, ["a"], cuts=[])
    assert isinstance(caught.error, BadKeyError)
    assert caught.ordinal == 0


def test_a_result_that_cannot_be_iterated_is_shown():
    caught = failed(Step(lambda key, value: 17, sum), ["a"])
    assert "mapfn returned 17" in caught.error.what


def test_a_value_that_cannot_travel_names_its_record():
    import threading

    lock = threading.Lock()
    caught = failed(Step(lambda k, v: [(v, lock if v else v)], list), [0, 0, 1])
    assert isinstance(caught.error, ShipError)
    assert caught.ordinal == 2


def test_a_partition_outside_the_parts_is_told():
    step = Step(ones, sum, partitionfn=lambda key, parts: parts)
    caught = failed(step, [1])
    assert "it must return an int from 0 to 2" in caught.error.what


def test_a_malformed_record_of_the_source_is_known():
    class Torn(ListRecords):
        def read(self, skip=frozenset()):
            yield from ListRecords(self.values).read(skip)
            if 9 not in skip:
                raise BadRecord(9, InputError("line 9 is torn"))

    step = Step(ones, sum, combinefn=sum)
    caught = failed(step, Torn([1]))
    assert (caught.ordinal, caught.error.what) == (9, "line 9 is torn")
    assert run_map(step, Torn([1]), skip=frozenset({9}))[0].pairs == 1


def test_an_input_that_is_gone_blames_no_record():
    class Gone(ListRecords):
        def read(self, skip=frozenset()):
            yield from ListRecords(self.values).read()
            raise InputError("the file is gone")

    caught = failed(Step(ones, sum), Gone([1]))
    assert caught.ordinal is None
    assert caught.error.what == "the file is gone"


def test_wrong_use_of_ours_in_a_record_is_placed():
    def mapfn(key, value):
        mincer.count("n")
        yield value, 1

    caught = failed(Step(mapfn, sum), ["a"])
    assert isinstance(caught.error, UsageError)
    assert caught.error.where.offset == 0


def test_a_damaged_input_of_ours_passes_through():
    class Damaged(ListRecords):
        def read(self, skip=frozenset()):
            yield from ListRecords(self.values).read()
            raise SegmentError("checksum")

    with pytest.raises(SegmentError):
        run_map(Step(ones, sum), Damaged([1]))


def test_counting_in_a_combiner_is_refused():
    def combine(key, values):
        mincer.count("n")
        return sum(values)

    context = Context("job", "map 0", 1)
    with context:
        caught = failed(Step(ones, sum, combinefn=combine), [1, 1], context=context)
    assert "any number of times" in caught.error.what
    assert not context.combining
