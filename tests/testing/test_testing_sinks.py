"""The suite of sinks: sinks that break a promise must fail it."""

import inspect

import pytest

from mincer.sinks import MemorySink
from mincer.testing import SinkSuite


class ShowsEarly(MemorySink):
    """What is committed is seen before the job is."""

    def commit_part(self, part, attempt):
        self.manifest = {}
        return super().commit_part(part, attempt)


class LastNamedWins(MemorySink):
    """A second attempt takes the place of the one that was named."""

    def commit_part(self, part, attempt):
        self._winners.pop(part, None)
        return super().commit_part(part, attempt)


class LosesThePart(MemorySink):
    """The last part is forgotten."""

    def commit_job(self, parts, manifest):
        super().commit_job(dict(list(parts.items())[:-1]), manifest)


class OrderOfCommits(MemorySink):
    """Parts stand in the order of their commits."""

    def commit_job(self, parts, manifest):
        order = list(self._winners)
        aside = dict(self._aside)
        super().commit_job(parts, manifest)
        self._parts = [aside[part, self._winners[part]] for part in order]


class CannotRepeat(MemorySink):
    """A commit in doubt is refused when it is repeated."""

    def commit_part(self, part, attempt):
        known = part in self._winners
        return super().commit_part(part, attempt) and not known


class AbortsTooMuch(MemorySink):
    """Abort after the commit takes the output away."""

    def abort_job(self):
        super().abort_job()
        self.manifest = None


class LetsStragglersIn(MemorySink):
    """What is written when all is over is seen."""

    def commit_job(self, parts, manifest):
        kept = self._aside
        super().commit_job(parts, manifest)
        self._aside = kept

    def commit_part(self, part, attempt):
        done = super().commit_part(part, attempt)
        if self.manifest is not None:
            self._parts.append(self._aside[part, attempt])
        return done


class TakesATakenPlace(MemorySink):
    """What is there already does not matter."""

    def check(self):
        pass


#: A sink, and a word in the name of a test that it must fail.
BROKEN = [
    (ShowsEarly, "exclusive"),
    (LastNamedWins, "exclusive"),
    (LosesThePart, "complete"),
    (CannotRepeat, "complete"),
    (OrderOfCommits, "concurrent"),
    (AbortsTooMuch, "abortable"),
    (LetsStragglersIn, "continuity"),
    (TakesATakenPlace, "taken"),
]


def failures(kind, folder):
    """The names of the tests of the suite that this sink does not pass."""

    class Suite(SinkSuite):
        ships = False

        def make(self, tmp_path):
            return kind()

        def seen(self, sink):
            return None if sink.manifest is None else sink.pairs()

    failed = set()
    for name, test in inspect.getmembers(Suite(), inspect.ismethod):
        if not name.startswith("test_"):
            continue
        cases = [{}]
        for mark in getattr(test, "pytestmark", []):
            argument, given = mark.args
            cases = [{argument: value} for value in given]
        for case in cases:
            try:
                test(folder, **case)
            except pytest.skip.Exception:
                continue
            except (AssertionError, pytest.fail.Exception):
                failed.add(name)
    return failed


@pytest.mark.parametrize(("kind", "promise"), BROKEN)
def test_a_sink_that_breaks_a_promise_fails(kind, promise, tmp_path):
    assert any(promise in name for name in failures(kind, tmp_path))


def test_a_good_sink_passes(tmp_path):
    assert failures(MemorySink, tmp_path) == set()
