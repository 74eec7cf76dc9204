"""What the driver adds to an error: place, task, hint, and the user's own paths."""

import os

import pytest

import mincer
from mincer.core.events import Fault
from mincer.errors import InputError, UserCodeError, Where
from mincer.ids import AttemptId, TaskId
from mincer.runners.base import SKIP_HINT
from mincer.runners.failures import complete, users_paths, where_in
from mincer.worker.modules import collect

TASK = TaskId("job", 0, "map", 3)
ATTEMPT = AttemptId(TASK, 1)


def here(task, record):
    return Where(f"{task}", record)


def test_the_place_of_the_record_is_found(tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\nthree\n")
    (split,) = mincer.sources.text(str(tmp_path / "lines")).plan()
    assert where_in(split, 1) == Where(str(tmp_path / "lines"), 4, None, "'two'")
    assert where_in(split, 3) is None


def test_what_the_child_did_not_know_is_added():
    error = UserCodeError("raised")
    complete(error, ATTEMPT, 7, Fault.RAISED, here)
    assert error.where == Where("map 3", 7)
    assert (error.task, error.hint) == ("map 3 attempt 2", SKIP_HINT)


def test_what_the_child_told_stays():
    error = UserCodeError("raised", where=Where("there"), task="mine", hint="try")
    complete(error, ATTEMPT, 7, Fault.RAISED, here)
    assert (error.where, error.task, error.hint) == (Where("there"), "mine", "try")


@pytest.mark.parametrize(
    ("attempt", "record", "fault"),
    [
        (ATTEMPT, None, Fault.RAISED),
        (AttemptId(TaskId("job", 0, "reduce", 3), 0), 7, Fault.DIED),
    ],
)
def test_without_a_record_of_a_map_there_is_no_place(attempt, record, fault):
    error = UserCodeError("raised")
    complete(error, attempt, record, fault, here)
    assert (error.where, error.hint) == (None, None)


def test_an_input_that_is_gone_does_not_hide_the_error():
    def gone(task, record):
        raise InputError("cannot read it any more")

    error = UserCodeError("raised")
    complete(error, ATTEMPT, 7, Fault.DIED, gone)
    assert (error.where, error.hint) == (None, None)


def test_paths_of_copies_become_those_of_the_user(tmp_path, monkeypatch):
    (tmp_path / "failures_mine.py").write_text("def mapfn(k, v): yield v, 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import failures_mine

    digest = collect([failures_mine.mapfn]).digest
    copy = os.path.join("/spill of one", "code", digest, "failures_mine.py")
    text = f'  File "{copy}", line 3, in words\n  File "{copy}x", line 1, in y'
    mine = failures_mine.__file__
    expected = f'  File "{mine}", line 3, in words\n  File "{copy}x", line 1, in y'
    assert users_paths(text, digest) == expected
    assert users_paths(text, "another") == text
