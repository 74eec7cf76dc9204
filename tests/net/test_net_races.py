"""Backup copies: a win is one of the later attempt, and saves what was left to read."""

import pytest

from mincer.ids import AttemptId, TaskId
from mincer.net.races import Races


def attempt(number, index=0):
    return AttemptId(TaskId("0" * 32, 0, "map", index), number)


@pytest.fixture
def races():
    """The first attempt began at 10, its copy at 30, which is done."""
    races = Races()
    races.begun(attempt(0), 10.0)
    races.begun(attempt(1), 30.0)
    races.done(attempt(1))
    races.ended(attempt(1))
    return races


@pytest.mark.parametrize(
    ("share", "saved_s"),
    [(0.25, 90.0), (1.0, 0.0), (1.5, 0.0), (0.0, 0.0), (None, 0.0)],
)
def test_a_copy_that_wins_saves_the_rest_of_the_first(races, share, saved_s):
    races.cancelled(attempt(0), share, 40.0)
    assert (races.won, races.saved_s) == (1, saved_s)


def test_a_copy_that_loses_saves_nothing():
    races = Races()
    for number in range(2):
        races.begun(attempt(number), 10.0)
    races.done(attempt(0))
    races.cancelled(attempt(1), 0.5, 20.0)
    assert (races.won, races.saved_s) == (0, 0.0)


def test_what_is_cancelled_for_another_reason_was_no_race(races):
    races.begun(attempt(0, index=7), 10.0)
    races.cancelled(attempt(0, index=7), 0.5, 40.0)
    races.ended(attempt(0))
    races.cancelled(attempt(0), 0.5, 40.0)
    Races().cancelled(attempt(0), 0.5, 40.0)
    assert races.won == 0
