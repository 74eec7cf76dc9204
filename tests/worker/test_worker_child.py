"""The child's own end: what it does with its pipes, its parent and its replies."""

import os
import subprocess
import sys

import pytest

from mincer.core.events import Fault
from mincer.errors import JobError
from mincer.ids import AttemptId, TaskId
from mincer.worker.child import _unsendable
from mincer.worker.orders import AttemptMade, AttemptUnmade, pack, unpack_reply
from mincer.worker.page import Page
from mincer.worker.pipes import read_frame, write_frame

ATTEMPT = AttemptId(TaskId("job", 0, "map", 0), 0)


@pytest.fixture
def child(tmp_path, job):
    page = Page(str(tmp_path / "page"), create=True)
    call = f"main(os.dup(0), os.dup(1), 'child', {page.path!r}, '{tmp_path}/stack')"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import os; from mincer.worker.child import main; {call}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    page.close()


def test_it_says_that_it_is_there_and_leaves_when_nobody_can_ask(child):
    assert read_frame(child.stdout.fileno()) == child.pid
    child.stdin.close()
    assert child.wait(timeout=10) in (0, 1)


def test_it_answers_orders(child, job):
    def mapfn(key, value):
        yield value, os.getpid()

    read_frame(child.stdout.fileno())
    code = job.code(mapfn, max)
    orders = [job.map_order(code, ["a"] * n, index=n) for n in (1, 2)]
    write_frame(child.stdin.fileno(), pack(orders))
    for order in orders:
        message = read_frame(child.stdout.fileno())
        reply = unpack_reply(message, [one.attempt for one in orders])
        assert isinstance(reply, AttemptMade)
        assert reply.attempt == order.attempt
        assert reply.made.pairs == order.attempt.task.index


def test_an_error_that_does_not_pickle_is_told_in_words():
    unsent = AttemptUnmade(ATTEMPT, Fault.RAISED, JobError("what it said"))
    told = _unsendable(unsent, TypeError("no pickle"))
    assert "what it said" in told.error.what
    with pytest.raises(TypeError):
        _unsendable(AttemptMade(ATTEMPT, None, 0, None), TypeError("no pickle"))
