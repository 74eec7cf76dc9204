"""Functions of old scripts get what they got there, and fail as all others do."""

import pickle

import pytest

from mincer.codec.keys import key_hash
from mincer.compat.calling import collecting, with_data, with_iterator, with_list
from mincer.errors import BadKeyError, UserCodeError


def words(key, line):
    for word in line.split():
        yield word, 1


def count(key, values):
    return len(values)


def given(key, values):
    return key, type(values), list(values)


def test_collectfn_gets_the_pairs_of_one_record_by_key():
    assert [*collecting(words, given)(1, "a b a")] == [
        ("a", ("a", list, [1, 1])),
        ("b", ("b", list, [1])),
    ]


def test_without_one_nothing_stands_between():
    assert collecting(words, None) is words


@pytest.mark.parametrize("made", [None, {"a": 1}, [("a", 1)]])
def test_a_mapfn_may_return_what_any_may(made):
    pairs = [*collecting(lambda k, v: made, count)(1, 2)]
    assert pairs == ([] if made is None else [("a", 1)])


def test_all_nans_are_one_key():
    def mapfn(key, value):
        yield float("nan"), 1
        yield float("nan"), 1

    ((_, found),) = collecting(mapfn, count)(1, 2)
    assert found == 2


def test_what_is_no_pair_and_what_can_be_no_key_is_told_in_the_same_words():
    with pytest.raises(UserCodeError, match=r"is not a \(key, value\) pair"):
        [*collecting(lambda k, v: ["abc"], count)(1, 2)]
    with pytest.raises(BadKeyError):
        [*collecting(lambda k, v: [([], 1)], count)(1, 2)]


def test_what_collectfn_raises_is_told_as_its_own():
    def collectfn(key, values):
        raise ValueError("no")

    with pytest.raises(UserCodeError, match="collectfn raised ValueError: no"):
        [*collecting(words, collectfn)(1, "a")]


def test_a_reducefn_gets_a_list_or_an_iterator():
    assert with_list(given)("k", (1, 2)) == ("k", list, [1, 2])
    key, kind, values = with_iterator(given)("k", [1, 2])
    assert (key, values) == ("k", [1, 2])
    assert issubclass(kind, type(iter([])))


@pytest.mark.parametrize("function", [sum, list, int])
def test_what_neither_system_took_is_called_as_everywhere(function):
    assert with_list(function) is function
    assert with_iterator(function) is function


def test_data_are_asked_for_as_messages_were():
    asked = with_data(lambda key, value: value)
    data, text, number = asked(1, b"ab"), asked(1, "ab"), asked(1, 7)
    assert (data, data.bytes, data.buffer) == (b"ab", b"ab", memoryview(b"ab"))
    assert (text, text.bytes) == ("ab", "ab")
    assert type(data.bytes) is bytes
    assert type(text.bytes) is str
    assert number == 7


def test_data_may_be_keys_and_travel():
    asked = with_data(lambda key, value: value)
    for value in (b"ab", "ab"):
        data = asked(1, value)
        assert key_hash(data) == key_hash(value)
        assert pickle.loads(pickle.dumps(data)) == value
