"""What a job on an engine must do, beside what every runner must."""

import importlib
import importlib.util
import math
import sys
import threading
from pathlib import Path

import drive
import jobs
import pytest
from cases import CASES, SCALE, by_hand, paths_of

import mincer
from mincer.errors import CancelledError, TimedOutError, UsageError, UserCodeError
from mincer.testing import RunnerSuite
from mincer.testing.digests import digest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name):
    """The module of an example, imported from its folder."""
    sys.path.insert(0, str(EXAMPLES / name))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


class EngineCases(RunnerSuite):
    """Derive a class, and give it a fixture `runner`."""

    @pytest.mark.parametrize(
        "name", ["wordcount", "json_lines", "inverted_index", "join", "total_sort"]
    )
    def test_an_example(self, run, name):
        module = example(name)
        with module.job.run(module.source, runner="inline") as expected:
            results = run(module.job, module.source)
            assert digest(results) == digest(expected)
            assert results.counters == expected.counters
            if name == "total_sort":
                assert list(results) == list(expected)

    def test_the_example_that_runs_many_jobs(self, runner):
        module = example("kmeans")
        data = module.points()
        expected, rounds = module.kmeans(data, data[::500], runner="inline")
        found, also = module.kmeans(data, data[::500], runner=runner)
        assert rounds == also
        for one, other in zip(found, expected, strict=True):
            assert math.dist(one, other) < 1e-9

    @pytest.mark.parametrize("case", CASES)
    def test_what_a_program_by_hand_says(self, run, case):
        job, source, program, _, ordered = CASES[case]
        paths = paths_of(case, SCALE)
        results = run(getattr(jobs, job), drive.SOURCES[source](paths))
        assert digest(results, ordered=ordered) == by_hand(program, paths)

    def test_the_main_job(self, run):
        module = example("stdlib_words")
        source = mincer.sources.text(module.library_files(), errors="replace")
        with module.job.run(source, runner="inline") as expected:
            results = run(module.job, source)
            assert digest(results) == digest(expected)
            assert results.counters == expected.counters
            assert results.report.records == expected.report.records

    def test_more_parts_than_an_engine_likes(self, run):
        job = mincer.Job(lambda key, n: [(n % 1000, n)], sum, parts=150)
        source = range(5000)
        with job.run(list(source), runner="inline") as expected:
            results = run(job, list(source))
            assert [list(part) for part in results.parts] == [
                sorted(part, key=list(found).index)
                for part, found in zip(expected.parts, results.parts, strict=True)
            ]

    def test_what_is_tried_again_counts_once(self, run, tmp_path):
        marks = str(tmp_path)

        def mapfn(key, n):
            mincer.count("met")
            mark = Path(marks, f"tried-{n}")
            if n % 3 == 0 and not mark.exists():
                mark.touch()
                raise OSError("the first time")
            yield n % 5, n

        results = run(mincer.Job(mapfn, sum), list(range(30)))
        assert sum(results.to_dict().values()) == sum(range(30))
        assert results.counters == {"met": 30}
        assert results.report.attempts["failed"] > 0

    def test_no_more_tries_than_allowed(self, run, tmp_path):
        marks = tmp_path / "marks"

        def mapfn(key, n):
            with open(marks, "a") as file:
                file.write("x")
            raise ValueError("never")

        with pytest.raises(UserCodeError, match="ValueError: never"):
            run(mincer.Job(mapfn, max_attempts=2), [1])
        # Spark tries what failed again by itself, and cannot be asked not to.
        assert len(marks.read_text()) <= 8

    def test_an_attempt_that_takes_too_long(self, run):
        def mapfn(key, n):
            while True:
                n += 1

        job = mincer.Job(mapfn, task_timeout=0.5, max_attempts=1)
        with pytest.raises(TimedOutError, match=r"task_timeout=0\.5") as caught:
            run(job, [1])
        assert "in mapfn" in caught.value.user_traceback

    def test_cancel_while_maps_run(self, runner, tmp_path):
        begun = tmp_path / "begun"

        def mapfn(key, n):
            begun.touch()
            nothing = threading.Event()
            for _ in range(100):
                nothing.wait(0.05)
            yield n, n

        handle = mincer.Job(mapfn, len).submit([1, 2], runner=runner)
        nothing = threading.Event()
        while not begun.exists():
            nothing.wait(0.01)
        handle.cancel()
        with pytest.raises(CancelledError):
            handle.result(timeout=50)

    def test_a_module_that_was_edited_between_two_jobs(
        self, run, tmp_path, monkeypatch
    ):
        monkeypatch.syspath_prepend(tmp_path)
        name = f"edited_{tmp_path.name}"
        path = tmp_path / f"{name}.py"
        for answer in (1, 22):
            path.write_text(f"def mapfn(key, value):\n    yield 'answer', {answer}\n")
            importlib.invalidate_caches()
            module = importlib.import_module(name)
            assert run(mincer.Job(module.mapfn), [0]).to_dict() == {"answer": answer}
            del sys.modules[name]

    def test_sizes_belong_to_the_engine(self, runner):
        with pytest.raises(UsageError, match="workers and memory"):
            mincer.Job(lambda key, n: [(n, n)]).run([1], runner=runner, workers=2)

    def test_results_may_be_read_again_and_in_any_order(self, run):
        job = mincer.Job(lambda key, n: [(n % 100, n)], sum, parts=9)
        results = run(job, list(range(500)))
        parts = [list(part) for part in results.parts]
        assert list(results) == [pair for part in parts for pair in part]
        assert [list(part) for part in reversed(results.parts)] == parts[::-1]

    def test_local_results_are_a_source_here(self, run):
        with mincer.Job(lambda key, n: [(n % 7, n)], sum).run(list(range(99))) as local:
            results = run(mincer.Job(lambda key, n: [(key, -n)]), local)
            assert results.to_dict() == {k: -n for k, n in local}

    def test_input_that_is_nowhere_else_is_told(self, run, tmp_path):
        path = tmp_path / "input"
        path.write_text("a\n")

        def mapfn(key, line):
            yield line, 1

        source = mincer.sources.text(path)
        source.check()
        path.unlink()
        source.check = lambda: None
        with pytest.raises(mincer.errors.InputError, match="cannot read"):
            run(mincer.Job(mapfn), source)
