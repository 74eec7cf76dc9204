"""What the cases of the runner suite share: a runner, and a way to run jobs on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from mincer.api import Job, Pipeline
from mincer.runners.base import Runner
from mincer.runners.results import Results
from mincer.sources import Source, items

__all__ = ["Run", "RunnerCases", "texts"]


def texts(*lines: str) -> Source:
    """Texts as records, where a list of them would be paths."""
    return items(lines)


class Run(Protocol):
    def __call__(self, job: Job | Pipeline, source: Any, **options: Any) -> Results: ...


class RunnerCases:
    """A class of cases; `RunnerSuite` is all of them."""

    #: False when values stay in this process, so that nothing need be picklable.
    ships = True

    @pytest.fixture
    def runner(self) -> str | Runner:
        """The runner under test, by name or as an object. Override it."""
        pytest.fail("a RunnerSuite needs a fixture `runner`")

    @pytest.fixture
    def run(self, runner: str | Runner) -> Iterator[Run]:
        """Run a job on the runner; its results are closed after the test."""
        made: list[Results] = []

        def run(job: Job | Pipeline, source: Any, **options: Any) -> Results:
            results = job.run(source, runner=runner, progress=False, **options)
            made.append(results)
            return results

        yield run
        for results in made:
            results.close()
