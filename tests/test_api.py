"""Jobs, chains and handles, as a program sees them; the runners are quick ones."""

import asyncio
import pickle
import threading

import pytest

import mincer
from mincer.errors import CancelledError, UsageError
from mincer.job import Step
from mincer.runners.base import Progress
from mincer.runners.inline import Inline
from mincer.sources import items


def words(key, line):
    for word in line.split():
        yield word, 1


def fails(key, line):
    raise ValueError("oh")


JOB = mincer.Job(words, sum, combinefn=sum)


class Gate:
    """A runner that says so when it has begun, and waits to be let through."""

    def __init__(self):
        self.began = threading.Event()
        self.go = threading.Event()

    def run(self, order, control):
        control.wake = self.go.set
        control.report(Progress("starting", 0.0))
        self.began.set()
        assert self.go.wait(30)
        return Inline().run(order, control)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.go.set()


def test_a_job_runs():
    with JOB.run(items(["a b a"]), runner="inline") as results:
        assert results.top(1) == [("a", 2)]


def test_a_job_is_a_step_and_checked_as_one():
    assert isinstance(JOB, Step)
    assert repr(JOB) == "Job(words, sum, combinefn=sum)"
    assert pickle.loads(pickle.dumps(JOB)) == JOB
    with pytest.raises(UsageError, match="parts"):
        mincer.Job(words, sum, parts=0)


def test_then_makes_a_chain_and_so_does_its_own_then():
    chain = JOB.then(lambda word, n: [(n, word)], sorted).then(words, name="last")
    assert [step.title for step in chain.steps][::2] == ["words", "last"]
    assert all(type(step) is Step for step in chain.steps)
    assert chain == mincer.Pipeline(chain.steps)


@pytest.mark.parametrize("steps", [(), [1], "ab", (JOB, words)])
def test_a_pipeline_takes_jobs(steps):
    with pytest.raises(UsageError, match="one or more jobs"):
        mincer.Pipeline(steps)


def test_only_the_first_step_has_tags():
    with pytest.raises(UsageError, match="first step"):
        JOB.then({"a": words}, sum)


@pytest.mark.parametrize("options", [{"max_attempts": 2}, {"task_timeout": 5}])
def test_what_is_of_the_whole_chain_is_told_to_its_first_step(options):
    with pytest.raises(UsageError, match="first job"):
        JOB.then(words, **options)
    assert mincer.Job(words, **options).then(words).steps[0] != JOB.plain()


def test_parts_are_those_of_the_step_before():
    job = mincer.Job(words, sum, parts=3)
    chain = job.then(lambda word, n: {n: 1}, len).then(lambda n, m: {n: m}, sum)
    with chain.run(items(["a b a"]), runner="inline") as results:
        assert len(results.parts) == 3


def test_progress_goes_to_a_function():
    told = []
    JOB.run(items(["a"]), runner="inline", progress=told.append)
    assert told[-1].phase == "done"


def test_a_handle_gives_results(gate):
    handle = JOB.submit(items(["a b a"]), runner=gate)
    assert gate.began.wait(30)
    assert not handle.done
    assert not handle.wait(0)
    assert handle.status().phase == "starting"
    assert repr(handle) == "<JobHandle 'words': starting>"
    with pytest.raises(TimeoutError):
        handle.result(timeout=0)
    gate.go.set()
    assert handle.result(timeout=30).to_dict() == {"a": 2, "b": 1}
    assert handle.done
    assert handle.wait()
    assert handle.status().phase == "done"
    assert repr(handle) == "<JobHandle 'words': done>"
    handle.cancel()
    assert handle.result().to_dict() == {"a": 2, "b": 1}


def test_a_handle_raises_what_went_wrong():
    handle = mincer.Job(fails).submit(items(["a"]), runner="inline")
    assert handle.wait(30)
    for _ in range(2):
        with pytest.raises(mincer.errors.UserCodeError, match="oh"):
            handle.result()
    assert repr(handle) == "<JobHandle 'fails': failed>"


def test_wrong_arguments_are_raised_at_once():
    with pytest.raises(UsageError, match="workers"):
        JOB.submit(items(["a"]), workers=0)


def test_cancel(gate):
    handle = JOB.submit(items(["a"]), runner=gate)
    handle.cancel()
    with pytest.raises(CancelledError):
        handle.result(timeout=30)
    assert repr(handle) == "<JobHandle 'words': cancelled>"


def test_ctrl_c_in_result_cancels_and_waits(gate, monkeypatch):
    handle = JOB.submit(items(["a"]), runner=gate)
    result = handle._future.result
    asked = []

    def interrupted(timeout=None):
        asked.append(timeout)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return result(timeout)

    monkeypatch.setattr(handle._future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        handle.result()
    assert handle.done
    with pytest.raises(CancelledError):
        handle.result()


def test_await(gate):
    async def both():
        good = JOB.submit(items(["a b a"]), runner=gate)
        bad = mincer.Job(fails).submit(items(["a"]), runner="inline")
        with pytest.raises(mincer.errors.UserCodeError):
            await bad
        gate.go.set()
        results = await good
        return results.to_dict(), (await good) is results

    assert asyncio.run(both()) == ({"a": 2, "b": 1}, True)


def test_whoever_stops_waiting_does_not_stop_the_job(gate):
    async def give_up():
        handle = JOB.submit(items(["a"]), runner=gate)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle, timeout=0.01)
        return handle

    handle = asyncio.run(give_up())
    gate.go.set()
    assert handle.result(timeout=30).to_dict() == {"a": 1}


def test_the_display_of_a_submitted_job_is_closed(monkeypatch):
    closed = threading.Event()
    told = []

    def view(choice):
        return told.append, closed.set

    monkeypatch.setattr("mincer.api.progress_view", view)
    JOB.submit(items(["a"]), runner="inline", progress=True).result(timeout=30)
    assert closed.is_set()
    assert told[-1].phase == "done"
