"""User code of the local runner's tests: functions that a child can import."""

import os
import signal
import threading
import time

import mincer


def words(key, line):
    for word in line.split():
        yield word, 1


def total(key, values):
    return sum(values)


def same(key, value):
    yield key, value


def who(key, value):
    yield os.getpid(), 1


def unlucky(key, value):
    mincer.count("met")
    if value == 13:
        raise ValueError("unlucky")
    yield value, value


def raises_in_reduce(key, values):
    if key == 13:
        raise KeyError("unlucky")
    return sum(values)


def list_key(key, value):
    yield [value] if value == 13 else value, 1


def not_pairs(key, value):
    return [1] if value == 13 else []


def begins(key, value):
    """Tell that user code runs here, and stay."""
    with open(mincer.context().params["begun"], "a", encoding="ascii"):
        pass
    while True:
        pass


def begins_in_c(key, value):
    with open(mincer.context().params["begun"], "a", encoding="ascii"):
        pass
    sum(range(10**12))
    yield 1, 1


def never_ends_at_13(key, value):
    if value == 13:
        waits_for_ever()
    yield value, value


def waits_for_ever():
    threading.Event().wait()


def exits_at_13(key, value):
    if value == 13:
        os._exit(7)
    yield value, value


def takes_memory_at_13(key, value):
    if value == 13:
        held = bytearray(400_000_000)
        for at in range(0, len(held), 4096):
            held[at] = 1
        waits_for_ever()
    yield value, value


def forks_and_dies(key, value):
    """A process of the user's holds the pipes of the child that started it."""
    if mincer.context().attempt == 1:
        if os.fork():
            os.kill(os.getpid(), signal.SIGKILL)
        waits_for_ever()
    yield value, value


def takes_a_while(key, value):
    end = time.monotonic() + 0.02
    while time.monotonic() < end:
        pass
    yield value % 3, value
