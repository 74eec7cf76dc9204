"""What children inherit of the process that they are forked from, and what not."""

import gc
import os
import sys

import pytest

import mincer
from mincer.sources import items


def state(key, value):
    yield "stdin", sys.stdin.read()
    yield "frozen", gc.get_freeze_count()
    yield "heavy", {"msgspec", "hashlib", "mincer.worker.attempt"} <= set(sys.modules)
    yield "numbers", [int(number) for number in os.listdir("/dev/fd")]
    yield "leader", os.getpgrp() == os.getpid()


@pytest.fixture(scope="module")
def seen():
    kept_open = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(kept_open, True)
    high = os.dup2(kept_open, 200, inheritable=True)
    job = mincer.Job(state)
    try:
        with job.run(items([0]), workers=1, progress=False) as results:
            yield dict(results)
    finally:
        os.close(kept_open)
        os.close(high)


def test_children_have_everything_imported_and_frozen(seen):
    assert seen["heavy"]
    assert seen["frozen"] > 10_000


def test_children_have_an_empty_input_and_a_group_of_their_own(seen):
    assert seen["stdin"] == ""
    assert seen["leader"]


def test_what_the_driver_left_open_is_closed(seen):
    assert 200 not in seen["numbers"]
