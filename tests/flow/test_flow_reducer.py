"""Calling reducefn: what it returns decides, and every error names the key."""

import pytest

from mincer.errors import UsageError, UserCodeError
from mincer.flow.reducer import OutputColumns, ReduceCall
from mincer.values import FileValues, Values


def groups(**more):
    return iter([(key, Values(values)) for key, values in more.items()])


def reduced(reducefn, some=None):
    made = []
    call = ReduceCall(reducefn)
    call.each(
        groups(a=[1, 2], b=[3]) if some is None else some,
        lambda key, value: made.append((key, value)),
    )
    call.last(lambda key, value: made.append((key, value)))
    return made


def generator(key, values):
    for value in values:
        yield value, key


class Built:
    def __init__(self):
        self.keys = []

    def __call__(self, key, values):
        self.keys.append(key)
        return len(values)

    def close(self):
        yield "keys", self.keys


class ClosingWithNothing(Built):
    def close(self):
        return None


@pytest.mark.parametrize(
    ("reducefn", "expected"),
    [
        (lambda key, values: key * len(values), [("a", "aa"), ("b", "b")]),
        (lambda key, values: None, [("a", None), ("b", None)]),
        (generator, [(1, "a"), (2, "a"), (3, "b")]),
        (lambda key, values: generator(key, values), [(1, "a"), (2, "a"), (3, "b")]),
        (sum, [("a", 3), ("b", 3)]),
        (list, [("a", [1, 2]), ("b", [3])]),
        (sorted, [("a", [1, 2]), ("b", [3])]),
        (set, [("a", {1, 2}), ("b", {3})]),
        (len, [("a", 2), ("b", 1)]),
        (Built, [("a", 2), ("b", 1), ("keys", ["a", "b"])]),
        (ClosingWithNothing, [("a", 2), ("b", 1)]),
    ],
)
def test_results(reducefn, expected):
    assert reduced(reducefn) == expected


def test_a_list_of_two_is_an_output_pair():
    assert reduced(lambda key, values: ([key, n] for n in values)) == [
        ("a", 1),
        ("a", 2),
        ("b", 3),
    ]


@pytest.mark.parametrize(
    ("reducefn", "says"),
    [
        (lambda key, values: values, "`values` itself"),
        (lambda key, values: iter(values), "an iterator"),
        (lambda key, values: map(str, values), "an iterator"),
        (lambda key, values: values[0], "cannot be indexed"),
        (lambda key, values: (5 for _ in values), "reducefn gave 5"),
        (lambda key, values: 1 // 0, "reducefn raised ZeroDivisionError"),
        (lambda key, values: (1 // 0 for _ in values), "raised ZeroDivisionError"),
    ],
)
def test_errors_name_their_key(reducefn, says):
    with pytest.raises(UserCodeError, match=says) as caught:
        reduced(reducefn)
    assert caught.value.where.key == "'a'"
    assert "2 values" in caught.value.where.source


def test_values_of_a_file_cannot_be_returned_either():
    some = iter([("a", FileValues(1, lambda: iter([[1]])))])
    with pytest.raises(UserCodeError, match="`values` itself"):
        reduced(lambda key, values: values, some)


def test_an_error_before_the_first_key_names_none():
    def broken():
        raise UsageError("before")
        yield

    with pytest.raises(UsageError) as caught:
        reduced(sum, broken())
    assert caught.value.where is None


def test_an_error_that_has_a_place_keeps_it():
    from mincer.errors import Where

    def reducefn(key, values):
        raise UsageError("mine", where=Where("elsewhere"))

    with pytest.raises(UsageError) as caught:
        reduced(reducefn)
    assert caught.value.where.source == "elsewhere"


@pytest.mark.parametrize(
    ("last", "says"),
    [([5], "reducefn gave 5"), ((1 // n for n in [0]), "ZeroDivisionError")],
)
def test_errors_of_a_close(last, says):
    class Failing(Built):
        def close(self):
            return last

    with pytest.raises(UserCodeError, match=says) as caught:
        reduced(Failing)
    assert caught.value.where is None


def test_kept_values_say_so_when_they_are_used():
    kept = []
    reduced(lambda key, values: kept.append(values))
    with pytest.raises(UserCodeError, match="after the reducer had returned"):
        list(kept[0])


def test_output_is_written_in_columns_by_weight():
    written = []
    output = OutputColumns(lambda keys, values: written.append((keys, values)))
    for n in range(40):
        output.add(n, -n)
    output.add_columns(list(range(10_000)), list(range(10_000)))
    output.flush()
    output.flush()
    assert [len(keys) for keys, _ in written] == [40, 8192, 1808]
    assert output.pairs == 10_040
    for n in range(20_000):
        output.add(n, n)
    assert [len(keys) for keys, _ in written[3:]] == [8192, 8192]
    output.flush()
    written.clear()
    for n in range(40):
        output.add(n, bytes(500_000))
    output.flush()
    assert [len(keys) for keys, _ in written] == [8] * 5
