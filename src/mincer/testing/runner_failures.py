"""Cases of the runner suite: what raises, what is left out, what cannot travel."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

import mincer
from mincer.errors import InputError, ShipError, UserCodeError
from mincer.testing import jobs
from mincer.testing.runner_base import Run, RunnerCases, texts

__all__ = ["FailureCases"]

#: A module of the user's own: the frames of `mincer.testing.jobs` are ours.
MODULE = """
def mapfn(key, line):
    number = int(line.removeprefix("line "))
    yield number % 2, 10 / (number - 13)

def reducefn(key, values):
    raise KeyError("no such thing")
"""
LINES = [f"line {n}" for n in range(10, 17)]


class FailureCases(RunnerCases):
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "lines.txt"
        path.write_text("\n".join(LINES), encoding="utf-8")
        return path

    @pytest.fixture
    def module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        # A name of its own: workers that live on keep the module of an earlier test.
        name = f"job_of_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        yield importlib.import_module(name)
        del sys.modules[name]

    def test_an_exception_shows_line_record_file_and_offset(
        self, run: Run, file: Path, module: Any
    ) -> None:
        with pytest.raises(UserCodeError, match="ZeroDivisionError") as caught:
            run(mincer.Job(module.mapfn, sum), file)
        error = caught.value
        assert error.where is not None
        assert Path(error.where.source) == file
        assert error.where.offset == 8 * 3
        assert error.where.value == "'line 13'"
        assert error.user_traceback is not None
        assert "yield number % 2, 10 / (number - 13)" in error.user_traceback
        assert f"{module.__name__}.py" in error.user_traceback
        assert error.task is not None
        assert "map 0" in error.task

    def test_a_reducer_that_raises_names_its_key(self, run: Run, module: Any) -> None:
        with pytest.raises(UserCodeError, match="KeyError: 'no such thing'") as caught:
            run(mincer.Job(jobs.words, module.reducefn), texts("word word"))
        error = caught.value
        assert error.where is not None
        assert error.where.key == "'word'"
        assert error.user_traceback is not None
        assert 'raise KeyError("no such thing")' in error.user_traceback
        assert error.task is not None
        assert "reduce" in error.task

    def test_what_is_not_pairs_is_told(self, run: Run) -> None:
        with pytest.raises(UserCodeError, match="pair") as caught:
            run(mincer.Job(jobs.not_pairs, sum), texts("record"))
        assert "yield key, value" in str(caught.value)

    def test_a_failing_record_is_left_out_with_all_it_made(
        self, run: Run, file: Path
    ) -> None:
        job = mincer.Job(jobs.fails_on_13, sum, skip_bad_records=1)
        results = run(job, file)
        assert results.to_dict() == {"before": 6, "after": 6}
        assert results.counters == {"met": 6}
        assert results.report.records_skipped == 1

    def test_nothing_of_it_stays_in_a_class_either(
        self, run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "numbers"
        path.write_text("11\n12\n13\n14\n", encoding="utf-8")
        job = mincer.Job(jobs.SumsUntilClose, sum, skip_bad_records=3)
        assert run(job, path).to_dict() == {"total": 11 + 12 + 14}

    def test_more_bad_records_than_allowed_fail_the_job(self, run: Run) -> None:
        job = mincer.Job(jobs.fails_on_13, sum, skip_bad_records=2)
        with pytest.raises(UserCodeError, match="unlucky 13"):
            run(job, texts("13", "14", "13", "13"))

    def test_a_malformed_record_is_told_or_left_out(
        self, run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "rows.jsonl"
        path.write_text('{"a": 1}\n{"a": \n{"a": 3}\n')
        source = mincer.sources.jsonl(path)

        def mapfn(key: Any, row: Any) -> Any:
            yield "sum", row["a"]

        with pytest.raises(InputError) as caught:
            run(mincer.Job(mapfn, sum), source)
        assert caught.value.where is not None
        assert caught.value.where.offset == 9
        job = mincer.Job(mapfn, sum, skip_bad_records=1)
        assert run(job, source).to_dict() == {"sum": 4}

    def test_a_failed_job_leaves_no_output(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "out"
        with pytest.raises(UserCodeError):
            run(mincer.Job(jobs.words, jobs.raises_on_b), texts("a b c"), output=folder)
        assert not folder.exists() or not list(folder.iterdir())

    def test_a_job_that_failed_harms_no_other(self, run: Run) -> None:
        with pytest.raises(UserCodeError):
            run(mincer.Job(jobs.words, jobs.raises_on_b), texts("a b c"))
        results = run(mincer.Job(jobs.words, jobs.raises_on_b), texts("a c"))
        assert results.to_dict() == {"a": 1, "c": 1}

    def test_values_that_cannot_travel(self, run: Run) -> None:
        job = mincer.Job(jobs.lock, len)
        if not self.ships:
            assert run(job, [1]).to_dict() == {"lock": 1}
            return
        with pytest.raises(ShipError, match="lock"):
            run(job, [1])

    def test_functions_that_cannot_travel(self, run: Run) -> None:
        import threading

        guard = threading.Lock()

        def mapfn(key: Any, value: Any) -> Any:
            with guard:
                yield key, value

        if not self.ships:
            assert run(mincer.Job(mapfn), texts("x")).to_dict() == {0: "x"}
            return
        with pytest.raises(ShipError, match="guard"):
            run(mincer.Job(mapfn), texts("x"))
