"""Attempts in the worker of an engine: tried again, a record left out, or the error."""

import pytest

from mincer.errors import (
    BadKeyError,
    Bug,
    NoConnectionError,
    SegmentError,
    TimedOutError,
    UserCodeError,
)
from mincer.flow.stages import RecordError
from mincer.ids import AttemptId, TaskId
from mincer.runners.engine.parcel import Parcel
from mincer.runners.engine.tries import alone, tried
from mincer.worker.orders import AttemptMade

TASK = TaskId("job", 0, "map", 1)


def rules(**given):
    return Parcel("job", None, (1,), (1,), **given)


class Attempts:
    """Raises each of these in turn, then is done."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = []

    def __call__(self, number, skip):
        self.calls.append((number, set(skip)))
        if self.errors:
            raise self.errors.pop(0)
        return AttemptMade(AttemptId(TASK, number), None, 0, None)


def bad(ordinal, error=None):
    return RecordError(error or UserCodeError(f"record {ordinal}"), ordinal)


def test_what_is_done_at_once():
    account = tried(TASK, rules(), Attempts())
    assert (account.failed, account.skipped, account.why) == (0, 0, None)
    assert account.made.wall_s >= 0


def test_what_fails_is_tried_again():
    attempts = Attempts(bad(3), UserCodeError("in a reducer"), SegmentError("gone"))
    account = tried(TASK, rules(), attempts)
    assert attempts.calls == [(n, set()) for n in range(4)]
    assert (account.failed, account.made.attempt.number) == (3, 3)


def test_but_not_more_often_than_asked_for():
    attempts = Attempts(*(bad(n) for n in range(5)))
    with pytest.raises(UserCodeError, match="record 2") as caught:
        tried(TASK, rules(attempts_max=3), attempts)
    assert caught.value.task == "map 1 attempt 3"


@pytest.mark.parametrize(
    "error",
    [BadKeyError("no key"), RecordError(BadKeyError("no key"), None), Bug("ours")],
)
def test_what_cannot_go_well_is_not(error):
    attempts = Attempts(error)
    with pytest.raises((BadKeyError, Bug)):
        tried(TASK, rules(), attempts)
    assert len(attempts.calls) == 1


def test_what_this_machine_did_may_go_well():
    assert tried(TASK, rules(), Attempts(NoConnectionError("cut"))).failed == 1


def test_bad_records_are_left_out_at_once():
    attempts = Attempts(bad(3), bad(8))
    account = tried(TASK, rules(skips_max=2), attempts)
    assert attempts.calls == [(0, set()), (1, {3}), (2, {3, 8})]
    assert (account.failed, account.skipped) == (0, 2)
    assert account.why.what == "record 8"


def test_but_not_more_than_allowed():
    with pytest.raises(UserCodeError, match="record 8"):
        tried(TASK, rules(skips_max=1), Attempts(bad(3), bad(8)))


def test_one_that_is_not_left_out_after_all_ends_it():
    with pytest.raises(UserCodeError, match="record 3"):
        tried(TASK, rules(skips_max=5), Attempts(bad(3), bad(3)))


def test_each_try_has_its_own_time():
    def endless(number, skip):
        while True:
            pass

    with pytest.raises(TimedOutError):
        tried(TASK, rules(task_timeout_s=0.05, attempts_max=2), endless)


def test_what_is_no_error_of_ours_is_a_bug():
    with pytest.raises(Bug, match="ZeroDivisionError") as caught, alone(TASK):
        1 / 0  # noqa: B018
    assert "1 / 0" in caught.value.user_traceback
