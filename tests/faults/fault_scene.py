"""What tests of faults look at: processes that live, and things that come to be."""

import os
import threading
import time

import psutil


def children():
    """The processes that this one has started and that still run."""
    found = psutil.Process().children(recursive=True)
    return [one for one in found if one.is_running()]


def until(true, seconds):
    """Wait for `true()`; False when it never came."""
    nothing = threading.Event()
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            return False
        nothing.wait(0.01)
    return True


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return psutil.pid_exists(pid) and not os.path.isdir("/proc/self")
