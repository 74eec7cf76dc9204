"""A limit to the time of an attempt."""

import threading

import pytest

from mincer.errors import TimedOutError
from mincer.ids import TaskId
from mincer.runners.engine.timeout import limited

TASK = TaskId("job", 0, "map", 3)


def test_without_a_limit_nothing_is_watched():
    before = threading.active_count()
    with limited(TASK, None):
        assert threading.active_count() == before


def test_what_ends_in_time_is_left_alone():
    with limited(TASK, 60):
        pass
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def test_what_takes_longer_is_stopped_and_told_where():
    def endless():
        n = 0
        while True:
            n += 1

    with (
        pytest.raises(TimedOutError, match=r"map 3 ran longer than task_timeout=0\.05"),
        limited(TASK, 0.05),
    ):
        endless()


def test_user_code_does_not_catch_it():
    def stubborn():
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass

    with pytest.raises(TimedOutError), limited(TASK, 0.05):
        stubborn()


def test_it_works_in_any_thread():
    raised = []

    def work():
        try:
            with limited(TASK, 0.05):
                while True:
                    pass
        except TimedOutError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1
