"""What user code may ask while it runs, and that it may ask only then."""

import pytest

import mincer
from mincer.context import Context, enter, leave
from mincer.errors import UsageError


@pytest.fixture
def now():
    new = Context("job", "map 3", 1, params={"a": 1})
    before = enter(new)
    yield new
    leave(before)


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
    before = enter(inner)
    assert mincer.context() is inner
    assert inner.params == {}
    leave(before)
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
