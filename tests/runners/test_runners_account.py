"""The account of a job: what its winners made, added up, whoever ran them."""

from types import SimpleNamespace

from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, TaskId
from mincer.runners.account import part_of, report_of
from mincer.store.disk import Place
from mincer.worker.orders import AttemptMade

JOB = "0" * 32


def made(kind, index, step=0, ended=10.0, wall_s=1.0, counters=None):
    attempt = AttemptId(TaskId(JOB, step, kind, index), 0)
    part = PartMade(5, 50, "digest")
    what = None
    if kind == "map":
        what = MapMade(10, 100, 20, 3, 3, 1, 0, None)
    elif kind == "reduce":
        what = ReduceMade(5, 6, part)
    place = Place("a", 0, 1000)
    return AttemptMade(attempt, place, 0, what, counters or {}, 0.5, wall_s, ended)


def job_of(*some, skips=None):
    won = {one.attempt: one for one in some}
    return SimpleNamespace(
        order=SimpleNamespace(job=JOB, name="a job", steps=(1, 2)),
        made=won,
        winners=tuple(won),
        skips=skips or {},
        outcomes={"done": len(won), "failed": 0},
        notes=["a note"],
        memory_bytes_max=7,
        started=0.0,
        output=[one for one in some if one.attempt.task.kind == "reduce"],
    )


def test_what_winners_made_is_added_up():
    counters = {"n": 2}
    job = job_of(
        *(made("map", 0, counters=counters), made("map", 1, ended=12.0)),
        *(made("reduce", 0, ended=15.0, wall_s=2.0), made("sample", 0)),
        made("map", 0, step=1),
    )
    report = report_of(job, "here", workers=3)
    assert (report.runner, report.workers, report.steps) == ("here", 3, 2)
    assert (report.splits, report.records, report.bytes_read) == (2, 20, 200)
    assert (report.pairs_mapped, report.bytes_spilled) == (60, 3000)
    assert (report.parts, report.pairs, report.bytes_written) == (1, 5, 50)
    assert (report.map_s, report.reduce_s) == (3.0, 2.0)
    assert report.cpu_s == 2.5
    assert report.counters == counters
    assert report.attempts == {"done": 5}
    assert (report.notes, report.memory_bytes_max) == (["a note"], 7)


def test_records_that_winners_left_out_are_counted():
    one, two = made("map", 0), made("map", 1)
    job = job_of(one, skips={one.attempt: 2, two.attempt: 1})
    assert report_of(job, "here", 1).records_skipped == 2


def test_a_job_without_attempts_has_an_account():
    report = report_of(job_of(), "here", 1)
    assert (report.map_s, report.records, report.pairs) == (0.0, 0, 0)


def test_the_part_of_an_attempt_is_what_it_wrote():
    assert part_of(made("reduce", 0)) == PartMade(5, 50, "digest")
