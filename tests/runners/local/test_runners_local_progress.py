"""Progress as a person sees it."""

from types import SimpleNamespace

import local_jobs

import mincer
from mincer.runners.local.progress import progress_of


def job(**more):
    source = SimpleNamespace(size_bytes=100)
    order = SimpleNamespace(source=source, steps=(1, 2))
    return SimpleNamespace(
        order=order, started=0.0, records=5, bytes_read=40, notes=["a note"], **more
    )


def test_a_job_that_runs_counts_what_is_being_read():
    maps = SimpleNamespace(done=3, total=None)
    reduces = SimpleNamespace(done=0, total=4)
    steps = [None, SimpleNamespace(maps=maps, reduces=reduces)]
    snapshot = SimpleNamespace(step=1, steps=steps, state="mapping", attempts_failed=2)
    told = progress_of(job(), snapshot, 7, 11)
    assert (told.phase, told.step, told.steps) == ("mapping", 2, 2)
    assert (told.maps_done, told.maps_total, told.reduces_total) == (3, None, 4)
    assert (told.bytes_read, told.bytes_total, told.records) == (51, 100, 5)
    assert (told.workers, told.attempts_failed, told.notes) == (7, 2, ("a note",))


def test_a_job_that_is_over_has_read_what_it_has():
    told = progress_of(job(), None, 7, 11)
    assert (told.phase, told.step, told.bytes_read) == ("done", 2, 40)


def test_progress_of_a_real_job_goes_forward(spill):
    seen = []
    job = mincer.Job(local_jobs.takes_a_while, sum, parts=2)
    source = {n: n for n in range(40)}
    job.run(source, workers=1, progress=seen.append).close()
    assert seen[-1].phase == "done"
    assert seen[-1].records == 40
    for name in ("elapsed_s", "bytes_read", "records"):
        values = [getattr(one, name) for one in seen]
        assert values == sorted(values), name
    assert len(seen) > 2
