"""Packing: what travels of a job, and the shape that its coordinator sees."""

import pytest

import mincer
from mincer.arguments import job_order
from mincer.codec import functions
from mincer.core.events import JobPlan, StepPlan
from mincer.runners.packing import pack_job, parts_of, plan_of


def order(job, source=(), output=None, limit=None):
    return job_order(
        job._steps, source or {1: "a"}, workers=None, memory=None, output=output,
        format=None, params={"x": 1}, overwrite=False, limit=limit,
    )  # fmt: skip


def words(key, line):
    yield from ((word, 1) for word in line.split())


def test_each_step_travels_with_its_own_options(tmp_path):
    job = mincer.Job(words, sum, parts=3).then(words, name="second")
    packed = pack_job(order(job, output=str(tmp_path / "out"), limit=7), 10**8)
    first, last = map(functions.load, packed.codes)
    assert (first.parts, first.records_max, first.sink) == (3, 7, None)
    assert (last.records_max, last.sink.folder) == (None, str(tmp_path / "out"))
    assert first.params == last.params == {"x": 1}
    assert last.job_name == "words → second"


def test_the_users_modules_travel_too(tmp_path, monkeypatch):
    (tmp_path / "packing_mine.py").write_text("def mapfn(k, v): yield v, 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import packing_mine

    packed = pack_job(order(mincer.Job(packing_mine.mapfn)), 10**8)
    assert packed.modules.names == ("packing_mine",)
    assert pack_job(order(mincer.Job(lambda k, v: [])), 10**8).modules.names == ()


@pytest.mark.parametrize(
    ("size", "cut"), [(10_000, False), (200_000_000, True), (None, True)]
)
def test_small_parts_are_not_cut(size, cut, monkeypatch):
    asked = order(mincer.Job(words, sum, parts=1))
    monkeypatch.setattr(type(asked.source), "size_bytes", size)
    (code,) = map(functions.load, pack_job(asked, 10**8).codes)
    assert code.cut_parts == cut


def test_a_step_has_the_parts_of_the_one_before_unless_it_says_so():
    job = mincer.Job(words, sum, parts=3).then(words, sum).then(words, sum, parts=2)
    assert [parts_of(order(job), number) for number in range(3)] == [3, 3, 2]
    assert parts_of(order(mincer.Job(words, sum)), 0) >= 1


def test_the_plan_is_the_shape_of_the_job(tmp_path):
    first = mincer.Job(words, sum, parts=3, max_attempts=2, skip_bad_records=5)
    job = first.then(words, skip_bad_records=2)
    steps = (StepPlan(3), StepPlan(0))
    assert plan_of(order(job)) == JobPlan(steps, attempts_max=2, skips_max=7)
    with_sink = plan_of(order(job, output=str(tmp_path / "out")))
    assert with_sink.steps[-1].to_sink
