"""What user code may ask while it runs, and that it may ask only then."""

import pytest

import mincer
from mincer.context import Context
from mincer.errors import UsageError


@pytest.fixture
def now():
    with Context("job", "map 3", 1, params={"a": 1}) as new:
        yield new


def test_the_function_is_not_the_module_of_its_name():
    import mincer.context as imported

    assert mincer.context is imported
    assert callable(mincer.context)


def test_nothing_runs_outside_of_a_job():
    with pytest.raises(UsageError, match="no job runs"):
        mincer.context()
    with pytest.raises(UsageError, match="no job runs"):
        mincer.count("n")


def test_it_is_what_was_entered(now):
    assert mincer.context() is now
    assert (now.split, now.part, now.tag, now.params["a"]) == (None, None, None, 1)
    assert repr(now) == "<Context: job, map 3, attempt 1>"


def test_leaving_brings_back_the_one_before(now):
    inner = Context("job", "reduce 0", 2)
    with inner:
        assert mincer.context() is inner
        assert inner.params == {}
    assert mincer.context() is now


def test_counters_add_up(now):
    mincer.count("a")
    mincer.count("a", 4)
    mincer.count("b", -1)
    assert now.counters == {"a": 5, "b": -1}


def test_a_combinefn_cannot_count(now):
    now.combining = True
    with pytest.raises(UsageError, match="combinefn"):
        mincer.count("a")
    assert now.counters == {}


def test_an_error_of_ours_is_told_with_the_attempt_that_it_ended():
    for known, expected in ((None, "map 3 attempt 2"), ("mine", "mine")):
        error = UsageError("wrong", task=known)
        with pytest.raises(UsageError), Context("job", "map 3", 2):
            raise error
        assert error.task == expected


def test_params_are_a_copy_and_read_only():
    params = {"a": 1}
    now = Context("job", "map 3", 1, params=params)
    params["a"] = 2
    assert now.params["a"] == 1
    with pytest.raises(TypeError):
        now.params["a"] = 3
