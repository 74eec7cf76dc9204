"""A run tells its time, its memory with that of its children, and how it ended."""

import os
import sys

import psutil
import pytest

from benchmarks import tree

# Two processes that hold 40 MB each until both do.
HOLD = """
import subprocess, sys
held = b"x" * 40_000_000
if sys.argv[1:]:
    sys.stdout.write("held\\n"), sys.stdout.flush(), sys.stdin.read()
else:
    child = subprocess.Popen([sys.executable, sys.argv[0], "child"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    for _ in range(20_000):
        sum(range(1000))
    child.communicate()
"""
LEAVE = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
    start_new_session=True)
print(child.pid, flush=True)
import os
os._exit(0)
"""


@pytest.fixture
def run(tmp_path):
    def run(text, **more):
        program = tmp_path / "program.py"
        program.write_text(text)
        return tree.run([sys.executable, str(program)], log=tmp_path / "log", **more)

    return run


def test_memory_is_summed_over_the_tree(run):
    ran = run(HOLD)
    assert not ran.failed
    assert ran.tree_bytes > 80_000_000
    assert 40_000_000 < ran.largest_bytes < ran.tree_bytes
    assert ran.wall_s > 0
    assert ran.cpu_s > 0


def test_the_end_and_the_last_words_are_told(run):
    ran = run("import sys; sys.exit('it broke')")
    assert ran.failed
    assert (ran.exit_code, ran.message, ran.timed_out) == (1, "it broke", False)


def test_who_is_too_slow_is_ended(run):
    ran = run("input_ = open(0).read()\nwhile True: pass", timeout_s=0.2)
    assert ran.timed_out
    assert ran.failed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets us adopt orphans")
def test_nothing_is_left_behind(run, tmp_path):
    assert not run(LEAVE).failed
    left = int((tmp_path / "log").read_text())
    assert not psutil.pid_exists(left)


def test_the_environment_is_what_was_given(run):
    text = "import os, sys; sys.exit(os.environ['BENCH_INPUT'])"
    assert run(text, more_environment={"BENCH_INPUT": "given"}).message == "given"
    assert "BENCH_INPUT" not in os.environ
