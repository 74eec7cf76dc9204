"""What every test has: a time limit, and a Hypothesis that repeats itself."""

import gc
import os
import signal
import threading

import hypothesis
import pytest

#: A test that takes longer hangs. `@pytest.mark.guard(seconds)` gives one more time.
GUARD_S = 60

# One seed for every run: a red test is red for all of us. Machines that look for new
# failures type HYPOTHESIS_PROFILE=explore.
hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, print_blob=True
)
hypothesis.settings.register_profile("explore", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

#: By the folder of a test: which of the commands it is for.
_MARKS = {"cluster": "cluster", "adversary": "cluster", "engines": "engines"}

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts so what it runs in the background, and all that is started from
    # there inherits it: nothing of what presses Ctrl-C here would ever end.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Of these folders all tests are for `make test-cluster`, or `test-engines`."""
    for item in items:
        mark = _MARKS.get(item.path.parent.name)
        if mark is not None:
            item.add_marker(mark)


def pytest_collection_finish():
    _settle()


@pytest.fixture(scope="module", autouse=True)
def settled():
    """Each file of tests leaves reports and caches behind."""
    yield
    _settle()


def _settle():
    """What is there by now stays: our `gc.collect` need not look at it each time, which
    took half of the time of all tests."""
    gc.collect()
    gc.freeze()


class TestHung(BaseException):
    """The guard of a test rang; no `except Exception` of ours can hide it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    mark = item.get_closest_marker("guard")
    seconds = mark.args[0] if mark else GUARD_S
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        return (yield)

    def ring(number, frame):
        raise TestHung(f"{item.nodeid} ran longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
