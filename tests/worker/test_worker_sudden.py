"""What is told of an attempt that could not tell anything itself."""

import os

import pytest

import mincer
from mincer.ids import TaskId
from mincer.worker.sudden import died, over_memory, own_stack, timed_out

TASK = TaskId("job", 0, "map", 3)
HERE = os.path.dirname(mincer.__file__)
STACK = f"""Current thread 0x00007f (most recent call first):
  File "users.py", line 3 in inner
  File "users.py", line 9 in mapfn
  File "{HERE}/flow/cursor.py", line 59 in _streams
  File "users.py", line 1 in not_running_now
"""


def test_a_stack_is_told_from_the_outside_in_without_our_frames():
    assert own_stack(STACK).splitlines() == [
        '  File "users.py", line 9 in mapfn',
        '  File "users.py", line 3 in inner',
    ]


def test_without_a_frame_of_the_user_there_is_nothing_to_tell():
    assert own_stack("") == ""
    assert own_stack(f'  File "{HERE}/worker/pipes.py", line 3 in read') == ""


@pytest.mark.parametrize(
    ("how", "hint"),
    [("signal SIGKILL", "memory"), ("signal SIGSEGV", "in C"), ("exit code 3", "None")],
)
def test_a_death_tells_how_and_what_is_often_behind_it(how, hint):
    told = died(TASK, how)
    assert told.what == f"the child process that ran map 3 died: {how}"
    assert hint in str(told.hint)


def test_too_much_memory_tells_how_much_to_give():
    told = over_memory(TASK, 130_000_000, 100_000_000)
    assert told.what == "map 3 used 130 MB of memory; its limit is 100 MB"
    assert 'memory="200MB"' in told.hint


def test_too_much_time_tells_where_it_went():
    told = timed_out(TASK, 2.5, STACK)
    assert told.what == "map 3 ran longer than task_timeout=2.5"
    assert told.user_traceback == own_stack(STACK)
