"""Combining: what the builtins would give of the same values, in one pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import UserCodeError
from mincer.flow.combiner import FOLDS, FOLDS_KNOWN, combine_lists

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)))


@pytest.mark.parametrize("builtin", FOLDS)
@given(pairs=PAIRS)
def test_a_fold_is_the_builtin(builtin, pairs):
    table = {}
    for at in range(0, len(pairs), 2):
        folds = FOLDS_KNOWN if at % 4 else FOLDS
        folds[builtin](table, pairs[at : at + 2])
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    assert table == {key: builtin(values) for key, values in groups.items()}
    assert all(type(table[key]) is type(builtin(groups[key])) for key in groups)


def test_a_key_error_of_an_addition_is_no_new_key():
    class Strange:
        def __radd__(self, other):
            raise KeyError("strange")

    with pytest.raises(KeyError, match="strange"):
        FOLDS_KNOWN[sum]({"a": 1}, [("a", Strange())])
    with pytest.raises(KeyError, match="strange"):
        FOLDS_KNOWN[sum]({}, [("a", Strange())])


def test_a_single_value_is_left_alone():
    called = []

    def combinefn(key, values):
        called.append((key, list(values)))
        return sum(values)

    lists = {"a": [1], "b": [1, 2, 3]}
    combine_lists(lists, combinefn)
    assert lists == {"a": [1], "b": [6]}
    assert called == [("b", [1, 2, 3])]


def test_a_combinefn_that_raises_names_its_key():
    with pytest.raises(UserCodeError, match="combinefn raised ZeroDivisionError") as e:
        combine_lists({"a": [1], "b": [1, 2]}, lambda key, values: 1 // 0)
    assert e.value.where.key == "'b'"
    assert "2 values" in e.value.where.source
