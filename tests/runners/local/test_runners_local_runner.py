"""The local runner passes the suite of all runners, and ends as it promises."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import local_jobs
import psutil
import pytest

import mincer
from mincer.errors import CancelledError, UsageError
from mincer.runners import local as local_package
from mincer.store import folder as folder_module
from mincer.testing import RunnerSuite
from mincer.worker import pool as pool_module


@pytest.fixture(scope="module")
def local():
    with mincer.Local(workers=2) as local:
        yield local


class TestLocal(RunnerSuite):
    @pytest.fixture
    def runner(self, local):
        return local


JOB = mincer.Job(local_jobs.words, local_jobs.total, parts=2)
LINES = {n: f"a b{n % 3}" for n in range(9)}
EXPECTED = [("a", 9), ("b0", 3), ("b1", 3), ("b2", 3)]


def works(local):
    with JOB.run(LINES, runner=local) as results:
        return sorted(results) == EXPECTED


def pids(local):
    return [child.pid for child in local._loop._hands.children]


def gone(processes):
    return not any(os.path.exists(f"/proc/{pid}") for pid in processes)


@pytest.mark.parametrize(
    "arguments",
    [{"workers": 0}, {"workers": True}, {"memory": "1MB"}, {"memory": "much"}],
)
def test_wrong_arguments_start_nothing(arguments):
    with pytest.raises(UsageError):
        mincer.Local(**arguments)


def test_another_number_of_workers_is_refused(spill):
    from mincer.arguments import job_order
    from mincer.runners.base import JobControl
    from mincer.structs import replace

    order = job_order(
        (JOB,), LINES, workers=3, memory=None, output=None, format=None, params=None,
        overwrite=False, limit=None,
    )  # fmt: skip
    with mincer.Local(workers=1) as local:
        with pytest.raises(UsageError, match="workers=3"):
            local.run(order, JobControl())
        local.run(replace(order, workers=1), JobControl()).close()


def test_close_may_be_repeated_and_a_later_job_starts_anew(spill):
    local = mincer.Local(workers=1)
    local.close()
    assert works(local)
    first = pids(local)
    local.close()
    local.close()
    assert gone(first)
    assert works(local)
    second = pids(local)
    assert set(second).isdisjoint(first)
    local.close()
    assert gone(second)


def test_one_that_nobody_has_any_more_ends_its_children(spill):
    local = mincer.Local(workers=1)
    assert works(local)
    processes = pids(local)
    del local
    gc.collect()
    assert gone(processes)


def test_one_in_a_circle_is_ended_by_the_collector_in_whatever_thread(spill, until):
    local = mincer.Local(workers=1)
    assert works(local)
    processes, loop = pids(local), local._loop
    circle = [local]
    circle.append(circle)
    # In the thread that the finalizer would wait for.
    dropped = threading.Event()
    loop._ask(None, lambda: (dropped.wait(10), gc.collect()))
    del local, circle
    dropped.set()
    until(lambda: loop.is_over)
    assert gone(processes)


def test_several_threads_may_start_it_at_once(spill):
    local = mincer.Local(workers=1)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(works(local))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    local.close()
    assert found == [True] * 4


def test_closing_it_cancels_what_still_runs(spill, tmp_path, until):
    begun = tmp_path / "begun"
    local = mincer.Local(workers=1)
    job = mincer.Job(local_jobs.begins_in_c)
    handle = job.submit([1], runner=local, params={"begun": str(begun)})
    until(begun.exists)
    started = time.monotonic()
    local.close()
    with pytest.raises(CancelledError, match="closed"):
        handle.result(timeout=10)
    assert time.monotonic() - started < 2


def test_nothing_of_a_job_but_its_result_stays(spill):
    with mincer.Local(workers=2) as local:
        before = set(spill.iterdir())
        with JOB.run(iter(LINES.items()), runner=local) as results:
            (folder,) = set(spill.iterdir()) - before
            left = {path for path in everything_in(folder) if path.is_file()}
            folders = {path.parent.relative_to(folder).as_posix() for path in left}
            assert folders == {".", "step-0/out"}
            assert [path.name for path in left if path.parent == folder] == ["lock"]
            assert sorted(results) == EXPECTED
        assert set(spill.iterdir()) == before


def everything_in(folder):
    return set(folder.rglob("*"))


# --- in another process


def run_script(tmp_path, text, *arguments, check=True):
    script = tmp_path / "script.py"
    head = "import gc, os, sys, threading\nimport mincer\n"
    jobs = (
        "def mapfn(key, line):\n    yield line, 1\n\n"
        "job = mincer.Job(mapfn, sum)\n"
        "def children(local):\n"
        "    print(*(child.pid for child in local._loop._hands.children), flush=True)\n"
    )
    body = "".join(f"    {line}\n" for line in text.strip().splitlines())
    script.write_text(f'{head}{jobs}\nif __name__ == "__main__":\n{body}', "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert not check or (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_one_left_open_does_not_keep_the_program_from_ending(spill, tmp_path):
    found = run_script(
        tmp_path,
        """
local = mincer.Local(workers=2)
results = job.run({1: "a"}, runner=local)
local.circle = local
children(local)
""",
    )
    assert len(found) == 2
    assert gone(map(int, found))


def test_a_job_left_running_does_not_either(spill, tmp_path):
    found = run_script(
        tmp_path,
        """
local = mincer.Local(workers=2)
def endless():
    while True:
        yield 1, "a"
handle = job.submit(endless(), runner=local)
while local._loop is None:
    threading.Event().wait(0.01)
children(local)
""",
    )
    assert len(found) == 2
    assert gone(map(int, found))


def test_a_process_that_was_forked_leaves_the_children_alone(spill, tmp_path):
    found = run_script(
        tmp_path,
        """
local = mincer.Local(workers=1)
results = job.run({1: "a", 2: "b"}, runner=local)
before = [child.pid for child in local._loop._hands.children]
pid = os.fork()
if not pid:
    print(job.run({1: "c"}, runner=local).to_dict() == {"c": 1}, flush=True)
    assert before != [child.pid for child in local._loop._hands.children]
    sys.exit(0)
print(os.waitpid(pid, 0)[1], flush=True)
print(sorted(results) == [("a", 1), ("b", 1)], flush=True)
print(job.run({1: "d"}, runner=local).to_dict() == {"d": 1}, flush=True)
print(before == [child.pid for child in local._loop._hands.children], flush=True)
""",
    )
    assert found == ["True", "0", "True", "True", "True"]


def test_children_end_with_the_driver_though_a_fork_of_it_lives_on(
    spill, tmp_path, until
):
    found = run_script(
        tmp_path,
        """
local = mincer.Local(workers=2)
job.run({1: "a"}, runner=local).close()
forked = os.fork()
if forked:
    children(local)
    print(forked, flush=True)
    os.kill(os.getpid(), 9)
os.close(1)
os.close(2)
threading.Event().wait()
""",
        check=False,
    )
    *processes, forked = map(int, found)
    assert len(processes) == 2
    try:
        until(lambda: gone(processes), 4)
    finally:
        os.kill(forked, signal.SIGKILL)
    until(lambda: folder_module.sweep(str(spill)) or not list(spill.iterdir()))


# --- interrupted

_WATCHED = (
    os.path.dirname(local_package.__file__),
    folder_module.__file__,
    pool_module.__file__,
)


def interrupt_at(line):
    """Have Ctrl-C pressed at the `line`-th line of mincer that this thread runs."""
    left = line

    def trace(frame, event, argument):
        nonlocal left
        if not frame.f_code.co_filename.startswith(_WATCHED):
            return None
        if "__del__" in (frame.f_code.co_name, frame.f_back.f_code.co_name):
            return None  # Python itself goes on after what is raised there
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)


OF_CHILD = ("page", "stack")


def in_a_thread(function):
    """What is raised by a trace may leave its context behind in the thread for good:
    later tests would show it as what their errors happened in."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(function).result()
    gc.collect()  # what was interrupted, or its warnings come in a later test


#: Between the last line of `with open(…)` and the end of it, a file is left to Python,
#: which closes it and warns.
may_leave_files_to_python = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@may_leave_files_to_python
@pytest.mark.parametrize("output", [None, "out"])
def test_ctrl_c_at_any_line_leaves_nothing(spill, tmp_path, output):
    in_a_thread(lambda: interrupt_everywhere(spill, tmp_path, output))


def interrupt_everywhere(spill, tmp_path, output):
    options = {}
    if output is not None:
        output = tmp_path / output
        options = {"output": output, "overwrite": True}
    with mincer.Local(workers=1) as local:
        assert works(local)
        threads = threading.active_count()
        before = everything_in(spill)
        interrupted = 0

        def children():
            return local._loop._hands.children

        chosen = random.Random(1).sample(range(1, 900), 60)
        for line in sorted(chosen):
            interrupt_at(line)
            try:
                results = JOB.run(LINES, runner=local, **options)
            except KeyboardInterrupt:
                interrupted += 1
            else:
                sys.settrace(None)
                results.close()
            assert output is None or not list(output.glob("_mincer-*")), line
            left = {path.name for path in everything_in(spill) - before}
            # A child that was at work has a successor, with files of its own.
            new = {f"{child.name}.{end}" for child in children() for end in OF_CHILD}
            assert left <= new, f"interrupted at line {line}"
        sys.settrace(None)
        assert interrupted > 20
        assert works(local)
        assert threading.active_count() == threads


@may_leave_files_to_python
def test_ctrl_c_at_any_line_of_the_start_leaves_nothing(spill):
    in_a_thread(lambda: interrupt_starts(spill))


def interrupt_starts(spill):
    children = set(psutil.Process().children())
    threads = threading.active_count()
    interrupted = 0
    for line in range(1, 40):
        local = mincer.Local(workers=1)
        interrupt_at(line)
        try:
            local.start()
        except KeyboardInterrupt:
            interrupted += 1
        sys.settrace(None)
        local.close()
        gc.collect()
        assert not everything_in(spill), f"interrupted at line {line}"
        assert set(psutil.Process().children()) == children, line
    assert interrupted > 20
    assert threading.active_count() == threads


def test_ctrl_c_in_the_plan_of_a_source(spill, tmp_path):
    def pairs():
        yield 1, "a"
        raise KeyboardInterrupt

    with mincer.Local(workers=1) as local:
        with pytest.raises(KeyboardInterrupt):
            JOB.run(pairs(), runner=local, output=tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert works(local)


@pytest.mark.parametrize("mapfn", [local_jobs.begins, local_jobs.begins_in_c])
def test_ctrl_c_while_user_code_is_busy(spill, tmp_path, until, mapfn):
    begun = tmp_path / "begun"

    def press():
        until(begun.exists)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    started = []
    try:
        with pytest.raises(KeyboardInterrupt):
            mincer.Job(mapfn).run(
                [1], workers=2, output=tmp_path / "out", params={"begun": str(begun)}
            )
    finally:
        started.append(begun.stat().st_mtime)
        presser.join()
    assert time.time() - started[0] < 2
    assert not (tmp_path / "out").exists()
