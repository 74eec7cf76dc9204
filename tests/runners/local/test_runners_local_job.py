"""A local job's folder, the orders it gives and the outputs it keeps account of."""

import contextlib
import os
import pickle

import local_jobs
import pytest

import mincer
from mincer.arguments import job_order
from mincer.codec import functions
from mincer.core.commands import StartAttempt
from mincer.core.events import Fault
from mincer.errors import JobError, SegmentError, ShipError
from mincer.flow.partitioner import HashPartitioner
from mincer.flow.run import open_runs
from mincer.flow.spiller import Spiller
from mincer.ids import AttemptId, TaskId, WorkerId
from mincer.runners.base import JobControl
from mincer.runners.local.job import _FAILURES_MAX, LocalJob
from mincer.store.disk import AppendFile, FileCache, Place, PlaceReader
from mincer.worker.commits import read_commits
from mincer.worker.orders import (
    AttemptMade,
    AttemptUnmade,
    MapOrder,
    ReduceOrder,
    SampleOrder,
)

JOB = mincer.Job(local_jobs.words, local_jobs.total, parts=3)


def order_of(job, source=("x y",), **options):
    given = {
        "workers": None, "memory": None, "output": None, "format": None,
        "params": None, "overwrite": False, "limit": None,
    }  # fmt: skip
    steps = job.steps if isinstance(job, mincer.Pipeline) else (job,)
    if not isinstance(source, mincer.sources.Source):
        source = dict(enumerate(source))
    return job_order(steps, source, **(given | options))


@pytest.fixture
def make(spill, tmp_path):
    jobs = []

    def make(job=JOB, **options):
        order = order_of(job, **options)
        made = LocalJob(order, JobControl(), 10**8, str(tmp_path / "code"))
        jobs.append(made)
        return made

    yield make
    for job in jobs:
        job.close()


def attempt(job, kind="map", index=0, number=0, step=0):
    return AttemptId(TaskId(job.order.job, step, kind, index), number)


def code_of(order):
    with open(order.files.code, "rb") as file:
        return functions.load(file.read())


def start(job, *arguments, **more):
    return job.order_for(
        StartAttempt(WorkerId("w", 0), attempt(job, *arguments), **more)
    )


def keep(job, which, path="somewhere"):
    place = Place(path, 0, 1)
    job.keep(AttemptMade(which, place, 0, None))
    return place


def test_the_plan_is_that_of_the_steps(make, tmp_path):
    chain = mincer.Job(
        local_jobs.words, sum, max_attempts=2, task_timeout=9.0, skip_bad_records=1
    )
    chain = chain.then(local_jobs.same, skip_bad_records=2).then(
        local_jobs.same, sort_keys=True, partitionfn=mincer.by_range, parts=5
    )
    plan = make(chain, output=tmp_path / "out").plan
    assert [step.parts > 0 for step in plan.steps] == [True, False, True]
    assert plan.steps[2].parts == 5
    assert [step.sampled for step in plan.steps] == [False, False, True]
    assert [step.to_sink for step in plan.steps] == [False, False, True]
    assert (plan.attempts_max, plan.task_timeout_s, plan.skips_max) == (2, 9.0, 3)


def test_a_step_has_as_many_parts_as_the_one_before(make):
    plan = make(JOB.then(local_jobs.same, sum)).plan
    assert [step.parts for step in plan.steps] == [3, 3]


def test_orders_name_what_children_need(make):
    job = make()
    packet = pickle.dumps(["split", "other"])
    assert job.add_splits([(packet, 0)]) == 0
    assert job.add_splits([(packet, 1)]) == 1
    first = start(job, "map", 1, skip=(3, 4), careful=True)
    assert isinstance(first, MapOrder)
    assert first.split == (packet, 1)
    assert job.split_of(first.attempt.task) == "other"
    assert (first.skip, first.careful, first.files.cuts) == ((3, 4), True, None)
    assert job.skips == {first.attempt: 2}
    last = start(job, "reduce", 2, commits=7, without=(1,))
    assert isinstance(last, ReduceOrder)
    assert (last.commits, last.without) == (7, (1,))
    assert os.path.isdir(first.files.folder)
    assert os.path.isdir(last.files.folder)
    assert first.files.folder != last.files.folder
    code = code_of(first)
    assert (code.parts, first.files.memory_bytes) == (3, 10**8)
    assert code.job_name == "words"


@pytest.mark.parametrize("size_bytes", [None, 1000, 10**9])
def test_only_what_may_be_large_is_cut_into_buckets(make, tmp_path, size_bytes):
    source = ["of an unknown size"]
    if size_bytes is not None:
        path = tmp_path / "lines.txt"
        path.touch()
        os.truncate(path, size_bytes)
        source = mincer.sources.text(str(path))
        source.check()
    job = make(JOB.then(local_jobs.same, sum), source=source)
    orders = [start(job, "reduce", 0, 0, step) for step in (0, 1)]
    assert [code_of(order).cut_parts for order in orders] == [size_bytes != 1000, True]


def test_modules_of_the_user_go_along_and_only_those(make):
    order = start_with_a_split(make())
    assert os.path.isfile(order.files.modules.zip_path)
    # Unpacked by the driver, for all children.
    assert os.listdir(order.files.modules.folder) == [order.files.modules.digest]

    own = make(mincer.Job(lambda key, value: [(key, value)], sum))
    assert start_with_a_split(own).files.modules is None


def start_with_a_split(job):
    job.add_splits([(b"", 0)])
    return start(job)


def test_the_published_output_of_a_sample_cuts_the_ranges(make):
    job = make(mincer.Job(local_jobs.words, sum, partitionfn=mincer.by_range, parts=2))
    job.add_splits([(b"", n) for n in range(100)])
    sample = start(job, "sample")
    assert isinstance(sample, SampleOrder)
    assert 1 < len(sample.splits) < 100
    place = keep(job, sample.attempt)
    job.publish(sample.attempt, 0)
    assert start(job, "map").files.cuts == place == start(job, "reduce").files.cuts


def test_outputs_of_maps_are_in_the_log_and_those_of_reduces_are_splits(make):
    job = make(JOB.then(local_jobs.same))
    maps = [attempt(job, "map", index) for index in (0, 1)]
    for number, one in enumerate(maps):
        keep(job, one)
        job.publish(one, number)
    order = start(job, "reduce", 0, commits=2)
    found = read_commits(order.log, 2, ())
    assert [one.attempt for one in found] == maps
    reduced = attempt(job, "reduce", 0)
    place = keep(job, reduced, "parts")
    job.publish(reduced, 0)
    packet, nth = start(job, "map", 0, 0, 1).split
    split = pickle.loads(packet)[nth]
    assert (split.place, split.made_by) == (place, reduced)


@pytest.mark.parametrize(("size", "left"), [(10_000, [0, 2]), (100, [0, 1, 2])])
def test_what_a_committed_part_was_made_of_is_given_back(make, size, left):
    job, partitioner = make(), HashPartitioner(3)
    job.add_splits([(b"", 0)])
    output = AppendFile(os.path.join(start(job).files.folder, "child-1.outputs"))
    for index in (0, 1):
        spiller = Spiller(output, partitioner)
        spiller.spill(list(range(250)), [b"x" * size] * 250, grouped=False)
        spiller.close()
        made = attempt(job, "map", index)
        job.keep(AttemptMade(made, output.commit(), 0, None))
        job.publish(made, index)
    job.let_go(attempt(job, "reduce", 1))
    job.let_go(attempt(job, "reduce", 1, number=1))
    output.close()
    files = FileCache()
    for commit in read_commits(start(job, "reduce", commits=2).log, 2, ()):
        reader = PlaceReader(commit.place, files)
        whole = []
        for part in range(3):
            with contextlib.suppress(SegmentError):
                (run,) = open_runs(reader, *partitioner.bounds(part))
                list(run.blocks(0, len(run.buckets)))
                whole.append(part)
        assert whole == left
    files.close()


def test_what_was_not_kept_cannot_be_published(make):
    job = make()
    job.keep(AttemptMade(attempt(job), None, 0, None))
    with pytest.raises(JobError, match="nothing that can be published"):
        job.publish(attempt(job), 0)


def test_the_output_is_that_of_the_winners_in_the_order_of_the_parts(make):
    job = make()
    winners = [attempt(job, "reduce", index, number=1) for index in (2, 0, 1)]
    for one in [*winners, attempt(job, "reduce", 0), attempt(job, "map", 0)]:
        keep(job, one)
    assert not job.is_done
    job.winners = (attempt(job, "map", 0), *winners)
    assert job.is_done
    assert [made.attempt.task.index for made in job.output] == [0, 1, 2]
    assert {made.attempt.number for made in job.output} == {1}


def test_only_the_output_is_kept_at_the_end(make):
    job = make()
    job.spool().append(b"batch")
    paths = {}
    for kind in ("map", "reduce"):
        job.add_splits([(b"", 0)])
        paths[kind] = os.path.join(start(job, kind).files.folder, "child-1.outputs")
        with open(paths[kind], "wb") as file:
            file.write(b"pairs")
        keep(job, attempt(job, kind), paths[kind])
    reader = open(paths["map"], "rb")  # noqa: SIM115 - as a child has it open still
    job.winners = (attempt(job, "map"), attempt(job, "reduce"))
    job.keep_output()
    left = [name for _, _, names in os.walk(job.folder.path) for name in names]
    assert sorted(left) == ["child-1.outputs", "lock"]
    assert os.path.exists(paths["reduce"])
    assert reader.read() == b""
    reader.close()


def test_the_spool_gives_back_what_was_put_there(make):
    job = make()
    places = [job.spool().append(data) for data in (b"one", b"", b"three")]
    for (path, at, size), data in zip(places, (b"one", b"", b"three"), strict=True):
        with open(path, "rb") as file:
            file.seek(at)
            assert file.read(size) == data


def test_the_last_failures_are_remembered(make):
    job = make()
    for number in range(_FAILURES_MAX + 3):
        error = JobError(str(number))
        one = attempt(job, number=number)
        job.keep_failure(AttemptUnmade(one, Fault.RAISED, error))
    assert job.outcomes["failed"] == _FAILURES_MAX + 3
    assert next(iter(job.failures)).number == 3


def test_a_function_that_cannot_travel_leaves_no_folder(spill):
    import threading

    lock = threading.Lock()
    order = order_of(mincer.Job(lambda key, value: [(key, lock)], sum))
    with pytest.raises(ShipError, match="lock"):
        LocalJob(order, JobControl(), 10**8, "code")
    assert list(spill.iterdir()) == []


def test_paths_of_copies_become_those_of_the_user(make):
    job = make()
    job.add_splits([(b"", 0)])
    modules = start(job).files.modules
    copy = os.path.join(modules.folder, modules.digest, "local_jobs.py")
    text = f'  File "{copy}", line 3, in words\n  File "{copy}x", line 1, in y'
    expected = f'  File "{local_jobs.__file__}", line 3, in words\n  File "{copy}x"'
    assert job.users_paths(text).startswith(expected)
    assert make(mincer.Job(lambda key, value: [])).users_paths(text) == text
