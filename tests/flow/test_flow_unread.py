"""Keys that mapfn does not read are not made; where that is not sure, they are."""

import functools
import sys

import pytest
from flow_bench import ListRecords, nothing

from mincer.flow.cursor import Cursor, flat
from mincer.flow.unread import UNREAD, _names_first, reads_key

TEXT = "key > 3"


def counted(key, line):
    """Tells nothing of the key."""
    for word in line.lower().split():
        yield word, 1


def many_names(_, a, b=1, *, c=2):
    d, e, f, g, h, i, j, k, m, n, o, p, q = range(13)
    r = [b, c, d, e, f, g, h, i, j, k, m, n, o, p, q]
    yield from ((a, s) for s in r)


def listed(key, value):
    try:
        return [(part, len(value)) for part in value if part in ("a", "b")]
    finally:
        del value


def nothing_at_all(key, value): ...


@pytest.mark.parametrize("function", [counted, many_names, listed, nothing_at_all])
def test_a_key_that_no_instruction_names_is_not_read(function):
    assert not reads_key(function)
    assert not reads_key(function)  # as it is known now


def yielded(key, value):
    yield key, value


def asked_for(key, value):
    if value and key:
        yield value, 1


def shown(key, value):
    yield f"{key=}", value


def set_anew(key, value):
    key = value
    yield key, 1


def deleted(key, value):
    del key
    yield value, 1


def in_an_inner_function(key, value):
    yield value, lambda: key


def in_a_comprehension(key, value):
    return [(word, key) for word in value]


def by_locals(key, value):
    yield value, len(locals())


def by_a_frame(key, value):
    yield sys._getframe().f_locals, 1


def by_a_text(key, value):
    yield value.query("size > @key"), 1


def by_a_text_of_an_inner_function(key, value):
    yield (lambda: value.query("@key")), 1


def by_one_of_some_texts(key, value):
    yield value in ("a", "b key"), 1


def by_a_text_in_a_tuple_of_tuples(key, value):
    yield value in (1, ("a", "b key")), 1


def by_an_evaluation(key, value):
    yield eval(TEXT), 1


def of_any_arguments(*arguments):
    yield arguments


@functools.wraps(counted)
def wrapped(*arguments):
    return counted(*arguments)


class Called:
    def __call__(self, key, value):
        yield value, 1


def with_a_free_variable():
    locals = dict

    def mapfn(key, value):
        yield locals(), value

    return mapfn


@pytest.mark.parametrize(
    "function",
    [
        *(yielded, asked_for, shown, set_anew, deleted, in_an_inner_function),
        *(in_a_comprehension, by_locals, by_a_frame, by_a_text),
        *(
            by_a_text_of_an_inner_function,
            by_one_of_some_texts,
            by_a_text_in_a_tuple_of_tuples,
            by_an_evaluation,
        ),
        *(of_any_arguments, wrapped, Called(), Called().__call__, len),
        *(functools.partial(counted), with_a_free_variable()),
    ],
)
def test_what_may_read_its_key_gets_it(function):
    assert reads_key(function)


def test_an_instruction_may_name_two_variables():
    named = [0, 1, 2]
    assert not _names_first(bytes((0, 0, 1, 1, 1, 16, 2, 0x11, 2, 0xFF)), named)
    assert _names_first(bytes((1, 0)), named)
    assert _names_first(bytes((2, 0x10)), named)
    assert _names_first(bytes((2, 0x01)), named)


def test_keys_are_made_only_when_they_are_read():
    for reads in (True, False):
        cursor = Cursor(nothing)
        batches = ListRecords("abc", batch=2).read()
        streams = cursor.streams(batches, yielded, None, reads_key=reads)
        keys = [key for key, _ in flat(streams)]
        assert keys == ([0, 1, 2] if reads else [UNREAD] * 3)
        assert cursor.records == 3


def test_a_debugger_is_told_why_there_is_no_key():
    assert "mapfn does not read it" in repr(UNREAD)
