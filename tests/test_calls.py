"""How the user's functions are called, and what they may give."""

import pickle
from collections import Counter
from functools import partial
from types import MappingProxyType

import pytest

from mincer.calls import (
    as_pairs,
    as_they_are,
    check_pair,
    checked,
    checked_mapper,
    gets_values_alone,
    instance_of,
    last_pairs,
    pairs_call,
    part_by,
    part_for,
    place_of_key,
    reduced,
    user_code,
)
from mincer.codec.keys import NAN, part_of
from mincer.errors import BadKeyError, UserCodeError, Where
from mincer.flow.reducer import ReduceCall
from mincer.job import Step
from mincer.values import Values

WHERE = Where("file", 7)


def generator(key, value):
    yield key, value


class Callable:
    def __call__(self, key, value):
        yield key, value

    def close(self):
        return [("last", 1)]


class Returning:
    def __call__(self, key, value):
        return [(key, value)]


@pytest.mark.parametrize(
    "mapfn",
    [
        generator,
        Callable(),
        Returning(),
        partial(generator),
        lambda key, value: [(key, value)],
        lambda key, value: {key: value},
        lambda key, value: Counter({key: value}),
        lambda key, value: MappingProxyType({key: value}),
        lambda key, value: ((key, value),),
        lambda key, value: zip([key], [value], strict=True),
        lambda key, value: {(key, value)},
        lambda key, value: generator(key, value),
    ],
)
def test_each_form_gives_pairs(mapfn):
    assert list(pairs_call(mapfn)("a", 1)) == [("a", 1)]
    assert list(checked(pairs_call(mapfn))("a", 1)) == [("a", 1)]


def test_none_is_no_pair():
    assert list(as_pairs(None)) == []


def test_generators_are_not_wrapped():
    assert pairs_call(generator) is generator
    built = Callable()
    assert pairs_call(built) is built


def test_a_class_is_built_once_and_may_close():
    built, close = instance_of(Callable, "mapfn")
    assert isinstance(built, Callable)
    assert close() == [("last", 1)]
    assert instance_of(Returning, "mapfn")[1] is None
    assert instance_of(generator, "mapfn") == (generator, None)


@pytest.mark.parametrize("result", [5, "text", b"bytes", 1.5])
def test_what_is_no_iterable_of_pairs(result):
    with pytest.raises(UserCodeError, match="must return an iterable"):
        list(checked(lambda key, value: result)(1, 2))


@pytest.mark.parametrize("pair", [5, "ab", (1,), (1, 2, 3), None])
def test_what_is_no_pair(pair):
    with pytest.raises(
        UserCodeError, match=r"reducefn gave .* not a .key, value. pair"
    ):
        check_pair(pair, "reducefn")


def test_a_list_of_two_is_a_pair():
    assert check_pair([1, 2]) == (1, 2)


def test_builtins_are_known_by_identity():
    def sum(values):
        return values

    assert gets_values_alone(list)
    assert not gets_values_alone(sum)
    assert instance_of(list, "reducefn") == (list, None)


def test_a_class_that_cannot_be_built_is_told():
    class Failing:
        def __init__(self):
            raise ValueError("no thanks")

    with pytest.raises(UserCodeError, match="mapfn raised ValueError: no thanks"):
        instance_of(Failing, "mapfn")


@pytest.mark.parametrize("error", [ZeroDivisionError("of 1"), SystemExit("of 1")])
def test_what_user_code_raises_is_told_with_its_place_and_cause(error):
    with (
        pytest.raises(UserCodeError, match=r"mapfn raised \w+: of 1") as caught,
        user_code("mapfn", lambda: WHERE),
    ):
        raise error
    assert caught.value.where is WHERE
    assert caught.value.__cause__ is error
    assert "test_calls.py" in caught.value.user_traceback


def test_an_error_of_ours_keeps_what_it_knows():
    for known, expected in ((None, WHERE), (Where("elsewhere"), Where("elsewhere"))):
        error = BadKeyError("no key", where=known)
        with pytest.raises(BadKeyError) as caught, user_code("mapfn", lambda: WHERE):
            raise error
        assert caught.value is error
        assert error.where == expected
        assert error.user_traceback is None


def test_nothing_but_user_code_is_told():
    with pytest.raises(KeyboardInterrupt), user_code("mapfn"):
        raise KeyboardInterrupt


def test_the_place_of_a_key_says_how_many_values_it_has():
    assert str(place_of_key("k", [1])) == "a key with 1 value"
    assert str(place_of_key("k", [1] * 2000)) == "a key with 2,000 values"
    assert place_of_key("k", []).key == "'k'"


def test_keys_that_will_be_brought_together_are_checked_and_take_one_form():
    def mapfn(key, value):
        yield (value, "x"), 1

    nan = checked(mapfn, keyed=True)(0, float("nan"))
    assert next(nan)[0][0] is NAN
    with pytest.raises(BadKeyError, match="list"):
        list(checked(mapfn, keyed=True)(0, []))
    assert list(checked(mapfn)(0, [])) == [(([], "x"), 1)]


@pytest.mark.parametrize("pairs", [[("a", 1)], {"a": 1}, iter([["a", 1]])])
def test_last_pairs(pairs):
    assert last_pairs(None, "mapfn") == []
    assert last_pairs(lambda: None, "mapfn") == []
    assert last_pairs(lambda: pairs, "mapfn") == [("a", 1)]


@pytest.mark.parametrize("pairs", [5, [5], ["ab"]])
def test_last_pairs_that_are_none(pairs):
    with pytest.raises(UserCodeError, match=r"reducefn .*pair"):
        last_pairs(lambda: pairs, "reducefn")


def test_a_close_that_raises_is_told_when_it_is_a_generator_too():
    def close():
        yield 1, 1 // 0

    with pytest.raises(UserCodeError, match="reducefn raised ZeroDivisionError"):
        last_pairs(close, "reducefn")


def test_the_mapper_of_a_tag_and_its_last_pairs():
    step = Step({"a": Callable, "b": Returning}, sum)
    mapfn, last = checked_mapper(step, "a")
    assert list(mapfn("k", 1)) == [("k", 1)]
    assert last() == [("last", 1)]
    assert checked_mapper(step, "b")[1]() == []


def test_where_a_key_goes():
    assert part_for("k", Step(generator, sum), 7) == part_of("k", 7)
    step = Step(generator, sum, partitionfn=lambda key, parts: parts - 1)
    assert part_for("k", step, 7) == 6


@pytest.mark.parametrize(
    ("partitionfn", "says"),
    [
        (lambda key, parts: parts, "partitionfn returned 3; .* int from 0 to 2"),
        (lambda key, parts: "0", "partitionfn returned '0'"),
        (lambda key, parts: 1 // 0, "partitionfn raised ZeroDivisionError"),
        (lambda key, parts: exit(5), "partitionfn raised SystemExit: 5"),
    ],
)
def test_a_part_that_is_none_is_told_with_its_key(partitionfn, says):
    with pytest.raises(UserCodeError, match=says) as caught:
        part_by(partitionfn, "k", 3)
    assert caught.value.where.key == "'k'"


REDUCED = [
    (sum, [("k", 3)]),
    (list, [("k", [1, 2])]),
    (lambda key, values: None, [("k", None)]),
    (lambda key, values: (len(values), max(values)), [("k", (2, 2))]),
    (as_they_are, [("k", 1), ("k", 2)]),
    (lambda key, values: ([value, key] for value in values), [(1, "k"), (2, "k")]),
    (lambda key, values: iter(values), "an iterator"),
    (lambda key, values: values, "returned `values` itself"),
    (lambda key, values: {"all": [values]}, "kept after the reducer had returned"),
    (lambda key, values: ((key, values) for _ in "a"), "kept after"),
    (lambda key, values: (5 for _ in values), "reducefn gave 5"),
    (lambda key, values: values[0], "cannot be indexed"),
]


@pytest.mark.parametrize(("reducefn", "expected"), REDUCED)
def test_what_is_made_of_a_key(reducefn, expected):
    if isinstance(expected, list):
        assert reduced(reducefn, "k", [1, 2]) == expected
        return
    with pytest.raises(UserCodeError, match=expected):
        reduced(reducefn, "k", [1, 2])


@pytest.mark.parametrize(("reducefn", "expected"), REDUCED)
def test_the_data_plane_makes_the_same_of_it(reducefn, expected):
    pairs = []

    def add(key, value):
        pickle.dumps(value)  # as a writer does
        pairs.append((key, value))

    groups = [("k", Values([1, 2]))]
    if isinstance(expected, list):
        ReduceCall(reducefn).each(groups, add)
        assert pairs == expected
        return
    with pytest.raises(UserCodeError, match=expected):
        ReduceCall(reducefn).each(groups, add)


def test_values_end_with_the_call():
    kept = []
    reduced(lambda key, values: kept.append(values), "k", [1])
    with pytest.raises(UserCodeError, match="after the reducer had returned"):
        list(kept[0])
