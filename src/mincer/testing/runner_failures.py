"""Cases of the runner suite: what raises, what is left out, what cannot travel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mincer
from mincer.errors import InputError, ShipError, UserCodeError
from mincer.testing import jobs
from mincer.testing.runner_base import Run, RunnerCases

__all__ = ["FailureCases"]

LINES = [f"line {n}" for n in range(10, 17)]


class FailureCases(RunnerCases):
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "lines.txt"
        path.write_text("\n".join(LINES), encoding="utf-8")
        return path

    def test_an_exception_shows_line_record_file_and_offset(
        self, run: Run, file: Path
    ) -> None:
        with pytest.raises(UserCodeError, match="ValueError: unlucky") as caught:
            run(mincer.Job(jobs.fails_on_13, sum), file)
        error = caught.value
        assert error.where is not None
        assert Path(error.where.source) == file
        assert error.where.offset == 8 * 3
        assert error.where.value == "'line 13'"
        assert error.user_traceback is not None
        assert 'raise ValueError(f"unlucky {line}")' in error.user_traceback
        assert "jobs.py" in error.user_traceback
        assert error.task is not None
        assert "map 0" in error.task

    def test_a_reducer_that_raises_names_its_key(self, run: Run) -> None:
        with pytest.raises(UserCodeError, match="KeyError: 'no such thing'") as caught:
            run(mincer.Job(jobs.words, jobs.raises_on_b), ["a b c"])
        error = caught.value
        assert error.where is not None
        assert error.where.key == "'b'"
        assert error.user_traceback is not None
        assert "raise KeyError" in error.user_traceback

    def test_what_is_not_pairs_is_told(self, run: Run) -> None:
        with pytest.raises(UserCodeError, match="pair") as caught:
            run(mincer.Job(jobs.not_pairs, sum), ["record"])
        assert "yield key, value" in str(caught.value)

    def test_a_failing_record_is_left_out_with_all_it_made(
        self, run: Run, file: Path
    ) -> None:
        job = mincer.Job(jobs.fails_on_13, sum, skip_bad_records=1)
        results = run(job, file)
        assert results.to_dict() == {"before": 6, "after": 6}
        assert results.counters == {"met": 6}
        assert results.report.records_skipped == 1

    def test_nothing_of_it_stays_in_a_class_either(self, run: Run) -> None:
        job = mincer.Job(jobs.SumsUntilClose, sum, skip_bad_records=3)
        assert run(job, list(range(10, 16))).to_dict() == {"total": 10 + 11 + 12 + 29}

    def test_more_bad_records_than_allowed_fail_the_job(self, run: Run) -> None:
        job = mincer.Job(jobs.fails_on_13, sum, skip_bad_records=2)
        with pytest.raises(UserCodeError, match="unlucky 13"):
            run(job, ["13", "14", "13", "13"])

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
            run(mincer.Job(jobs.words, jobs.raises_on_b), ["a b c"], output=folder)
        assert not folder.exists() or not list(folder.iterdir())

    def test_a_job_that_failed_harms_no_other(self, run: Run) -> None:
        with pytest.raises(UserCodeError):
            run(mincer.Job(jobs.words, jobs.raises_on_b), ["a b c"])
        results = run(mincer.Job(jobs.words, jobs.raises_on_b), ["a c"])
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
            assert run(mincer.Job(mapfn), ["x"]).to_dict() == {0: "x"}
            return
        with pytest.raises(ShipError, match="guard"):
            run(mincer.Job(mapfn), ["x"])
