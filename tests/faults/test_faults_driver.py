"""The driver is killed, or interrupted at any line: nothing of its job is left."""

import os
import signal
import subprocess
import sys

import pytest
from fault_scene import alive, until

DRIVER = """
import os, re, signal, sys, threading
import mincer

def begin():
    path = os.path.join(mincer.context().params["pids"], str(os.getpid()))
    with open(path + ".new", "w"):
        pass
    os.rename(path + ".new", path)

def waits(key, value):
    begin()
    threading.Event().wait(1000)

def spins(key, value):
    begin()
    while True:
        pass

def in_c(key, value):
    begin()
    sum(range(10**12))

def deaf(key, value):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    spins(key, value)

def forks(key, value):
    begin()
    os.fork()
    waits(key, value)

if __name__ == "__main__":
    name, source, pids = sys.argv[1:]
    mapfn = globals()[name]
    source = mincer.sources.text(source, split_size=100_000)
    mincer.Job(mapfn).run(source, workers=2, params={"pids": pids})
"""

KINDS = ["waits", "spins", "in_c", "deaf", "forks"]


@pytest.fixture
def driver(tmp_path, numbers, spill):
    """Start a driver whose children run `kind`; give it and their process ids."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER, "utf-8")
    started = []

    def start(kind):
        pids = tmp_path / f"pids-{len(started)}"
        pids.mkdir()
        command = [sys.executable, str(script), kind, str(numbers.path), str(pids)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        started.append(process)
        count = 4 if kind == "forks" else 2

        def begun():
            return sorted(name for name in os.listdir(pids) if name.isdecimal())

        assert until(lambda: len(begun()) == count, 30)
        return process, [int(name) for name in begun()]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_driver_is_killed(driver, spill, kind):
    process, pids = driver(kind)
    (folders) = {path.name for path in spill.iterdir()}
    assert folders
    process.kill()
    process.wait()
    assert until(lambda: not any(map(alive, pids)), 2), "children outlive the driver"
    # Nobody was there to remove its folders: the next run does.
    assert {path.name for path in spill.iterdir()} == folders
    after, pids = driver("waits")
    assert not folders & {path.name for path in spill.iterdir()}
    after.send_signal(signal.SIGINT)
    after.wait(2)
    assert not any(map(alive, pids))


@pytest.mark.parametrize("kind", KINDS)
def test_a_driver_is_interrupted(driver, spill, kind):
    process, pids = driver(kind)
    process.send_signal(signal.SIGINT)
    assert process.wait(2) == -signal.SIGINT
    assert not any(map(alive, pids))
    assert b"KeyboardInterrupt" in process.stderr.read()
