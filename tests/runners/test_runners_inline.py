"""The reference runner passes the suite of all runners, and stays in this process."""

import threading
from pathlib import Path

import pytest

import mincer
from mincer.errors import CancelledError, InputError, MincerError, UserCodeError
from mincer.runners import inline
from mincer.runners.base import JobControl
from mincer.runners.inline import Inline
from mincer.testing import RunnerSuite


class TestInline(RunnerSuite):
    ships = False

    @pytest.fixture
    def runner(self):
        return "inline"


def run(job, source, **options):
    return job.run(source, runner="inline", progress=False, **options)


def test_user_code_runs_in_this_thread_where_a_debugger_is():
    threads = []

    def mapfn(key, value):
        threads.append(threading.current_thread())
        return {value: value}

    def reducefn(key, values):
        threads.append(threading.current_thread())
        return list(values)

    assert run(mincer.Job(mapfn, reducefn), [1]).to_dict() == {1: [1]}
    assert threads == [threading.current_thread()] * 2


def test_the_users_exception_is_the_cause():
    error = ValueError("mine")

    def mapfn(key, value):
        raise error

    with pytest.raises(UserCodeError) as caught:
        run(mincer.Job(mapfn), [1])
    assert caught.value.__cause__ is error


def test_sys_exit_in_user_code_is_an_error_of_the_job():
    def mapfn(key, value):
        raise SystemExit(3)

    with pytest.raises(UserCodeError, match="SystemExit: 3"):
        run(mincer.Job(mapfn), [1])


def test_combinefn_is_not_called():
    def combinefn(key, values):
        raise AssertionError("called")

    job = mincer.Job(lambda key, value: {value: 1}, sum, combinefn=combinefn)
    assert run(job, [5, 6]).to_dict() == {5: 1, 6: 1}


@pytest.mark.parametrize("place", ["mapfn", "reducefn"])
@pytest.mark.parametrize("fails", ["built", "closed"])
def test_a_class_that_fails_outside_of_records(place, fails):
    class Failing:
        def __init__(self):
            if fails == "built":
                raise ValueError("no thanks")

        def __call__(self, key, value):
            return []

        def close(self):
            raise ValueError("no thanks")

    job = mincer.Job(lambda key, value: {1: 1}, Failing)
    if place == "mapfn":
        job = mincer.Job(Failing, sum, skip_bad_records=5)
    with pytest.raises(UserCodeError, match=f"{place} raised.*no thanks"):
        run(job, [1])


def test_the_budget_of_bad_records_is_of_the_whole_job():
    def mapfn(key, value):
        return {1: 10 // value}

    job = mincer.Job(mapfn, sum, skip_bad_records=2)
    sources = [mincer.sources.items([1, 0]) for _ in range(3)]
    with pytest.raises(UserCodeError, match="ZeroDivisionError"):
        run(job, sources)
    assert run(job, sources[:2]).to_dict() == {1: 20}


def test_what_was_left_out_is_in_the_report():
    job = mincer.Job(lambda key, value: {1: 1 // value}, sum, skip_bad_records=1)
    report = run(job, [0, 1]).report
    assert (report.records, report.records_skipped) == (1, 1)
    assert (report.splits, report.parts, report.pairs) == (2, 16, 1)


def test_the_file_is_short():
    """What mincer computes must be readable at one sitting."""
    assert len(Path(inline.__file__).read_text("utf-8").splitlines()) < 150


def test_a_limit_is_of_the_records_that_are_read_and_of_the_first_step(tmp_path):
    path = tmp_path / "numbers"
    path.write_text("1\n0\n2\n3\n", encoding="utf-8")
    job = mincer.Job(lambda key, line: {6 // int(line): line}, skip_bad_records=1)
    assert run(job, path, limit=2).to_dict() == {6: "1", 3: "2"}
    chain = job.then(lambda key, line: [(line, 1), (line + "again", 1)]).then(
        lambda key, one: {key: one}
    )
    assert len(run(chain, path, limit=2)) == 4


def test_cancelled_between_two_records():
    control = JobControl()
    seen = []

    class Stops:
        """A runner that cancels when the third record is met."""

        def run(self, order, _):
            return Inline().run(order, control)

    def mapfn(key, value):
        seen.append(value)
        if value == 2:
            control.cancel()

    with pytest.raises(CancelledError):
        mincer.Job(mapfn).run(list(range(10)), runner=Stops(), progress=False)
    assert seen == [0, 1, 2]


def test_the_source_is_looked_at_before_the_output_is_touched(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"absent\.txt"):
        run(mincer.Job(lambda key, value: None), tmp_path / "absent.txt", output=out)
    assert not out.exists()


def test_the_report_says_where_the_output_went(tmp_path):
    out = tmp_path / "out"
    job = mincer.Job(lambda key, value: {key: value}, sum, parts=2)
    report = run(job, [1], output=out).report
    assert report.output == str(out)
    assert report.bytes_written == sum(p.stat().st_size for p in out.glob("part-*"))


def test_every_job_error_can_be_told_on_one_screen():
    job = mincer.Job(
        lambda key, value: {"long" * 500: [value] * 500}, lambda k, v: 1 / 0
    )
    with pytest.raises(MincerError) as caught:
        run(job, {1: "x" * 10_000})
    assert len(str(caught.value)) < 4_000
