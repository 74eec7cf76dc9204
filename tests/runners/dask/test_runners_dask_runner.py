"""The runner on Dask without Dask; with it: tests/engines."""

import sys

import pytest

import mincer
from mincer.errors import (
    CancelledError,
    JobError,
    UsageError,
    UserCodeError,
    WorkerDiedError,
)
from mincer.runners.dask import Dask
from mincer.runners.dask.runner import as_error


def test_a_missing_package_says_the_line_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught:
        mincer.Job(lambda key, n: [(n, n)]).run([1], runner=Dask())
    assert caught.value.hint == 'pip install "mincer[dask]"'


class KilledWorker(Exception):
    pass


class FutureCancelledError(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (KilledWorker("map-0-3"), WorkerDiedError, "map-0-3"),
        (FutureCancelledError("lost"), CancelledError, "cancelled in Dask: lost"),
        (
            ZeroDivisionError("x"),
            JobError,
            "Dask failed at words: ZeroDivisionError: x",
        ),
    ],
)
def test_what_dask_raises_is_told_as_ours(raised, kind, says):
    told = as_error(raised, "words")
    assert type(told) is kind
    assert says in told.what


@pytest.mark.parametrize("raised", [UserCodeError("theirs"), KeyboardInterrupt()])
def test_what_is_ours_stays(raised):
    assert as_error(raised, "words") is raised


def test_what_was_never_begun_is_closed():
    with Dask("there:1") as runner:
        runner.close()
