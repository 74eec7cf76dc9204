"""What tasks on Spark do, without Spark: elements in, elements out."""

import os
from collections import defaultdict

import pytest

import mincer
from engine_jobs import JOBS, LINES, words
from mincer.arguments import job_order
from mincer.runners.base import JobControl
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.tasks import group_of
from mincer.runners.engine.window import Window
from mincer.runners.spark.work import (
    Chosen,
    Sampler,
    Unstored,
    Work,
    Written,
    heads,
    part_of,
    stored,
)
from mincer.testing.digests import digest

#: The process of the tests is counted, and has a lot in it.
MEMORY_BYTES = 8 << 30


class Broadcast:
    def __init__(self, value):
        self.value = value


class Rdd:
    """Partitions in a list; what PySpark does with them, and nothing more."""

    def __init__(self, partitions):
        self.partitions = partitions

    def mapPartitionsWithIndex(self, function):
        return Rdd([list(function(n, iter(p))) for n, p in enumerate(self.partitions)])

    def partitionBy(self, count, function):
        found = defaultdict(list)
        for partition in reversed(self.partitions):
            for key, value in partition:
                found[function(key)].append((key, value))
        return Rdd([found[n] for n in range(count)])


class FakeSpark:
    """A runner of the same tasks."""

    def run(self, order, control):
        with EngineJob(order, control, "spark", 2, MEMORY_BYTES, streams=True) as job:
            parcel = Broadcast(job.parcel)
            rdd = Rdd([[one] for one in job.inputs()])
            for number, step in enumerate(order.steps):
                cuts = None
                if step.sampled:
                    sampling = Work(parcel, number, MEMORY_BYTES, None)
                    chosen = frozenset(range(len(rdd.partitions)))
                    samples = rdd.mapPartitionsWithIndex(
                        Sampler(sampling, chosen, len(chosen))
                    )
                    cuts = sampling.cuts([s for p in samples.partitions for s in p])
                work = Work(parcel, number, MEMORY_BYTES, cuts)
                if step.shuffles:
                    mapped = rdd.mapPartitionsWithIndex(work.map)
                    shuffled = mapped.partitionBy(
                        parcel.value.groups[number], lambda group: group
                    )
                    rdd = shuffled.mapPartitionsWithIndex(work.reduce)
                else:
                    rdd = rdd.mapPartitionsWithIndex(work.map_only)
                last = len(rdd.partitions)
                made = stored(rdd, last)
                rdd = made.mapPartitionsWithIndex(Unstored(last))
            parts = sorted(heads(made.partitions[last]), key=part_of)

            def fetch(wanted):
                found = dict.fromkeys(wanted, b"")
                for group in {group_of(one, last, len(parts)) for one in wanted}:
                    for part, data in Chosen(frozenset(wanted))(made.partitions[group]):
                        found[part] += data
                return list(found.values())

            return job.finish(parts, fetch, lambda: None)


@pytest.mark.parametrize("name", JOBS)
def test_elements_become_the_same_pairs(name):
    expected = JOBS[name].run(LINES, runner="inline")
    with JOBS[name].run(LINES, runner=FakeSpark()) as results:
        assert digest(results) == digest(expected)
        assert results.counters == expected.counters


def order_of(job, output=None):
    return job_order(
        (job.plain(),),
        LINES,
        workers=None,
        memory=None,
        output=output,
        format=None,
        params=None,
        overwrite=False,
        limit=None,
    )


@pytest.mark.parametrize("name", ["one step", "map only"])
@pytest.mark.parametrize("sees", [True, False])
def test_who_sees_the_output_writes_it_and_keeps_the_heads(tmp_path, name, sees):
    order = order_of(JOBS[name], tmp_path / "out")
    with EngineJob(order, JobControl(), "spark", 2, MEMORY_BYTES, streams=True) as job:
        parcel = job.parcel
        if not sees:
            os.unlink(parcel.token[0])
        work = Work(Broadcast(parcel), 0, MEMORY_BYTES, None)
        given = Rdd([[one] for one in job.inputs()])
        shuffles = order.steps[0].shuffles
        if shuffles:
            mapped = given.mapPartitionsWithIndex(work.map)
            given = mapped.partitionBy(parcel.groups[0], lambda group: group)
        made = given.mapPartitionsWithIndex(Written(work, shuffles)).partitions
        if not sees:
            assert made == [[None]] * len(given.partitions)
            return
        parts = sorted((part for some in made for part in some), key=part_of)
        expected = JOBS[name].run(LINES, runner="inline")
        with job.finish(parts, lambda wanted: [], lambda: None) as results:
            assert digest(results) == digest(expected)
            assert results.counters == expected.counters


def test_chunks_are_small(monkeypatch):
    order = order_of(mincer.Job(words, parts=3, sort_keys=True))
    with EngineJob(order, JobControl(), "spark", 1, MEMORY_BYTES, streams=True) as job:
        work = Work(Broadcast(job.parcel), 0, MEMORY_BYTES, None)
        sizes = [
            len(data)
            for index, one in enumerate(job.inputs())
            for _, (_, _, number, data) in work.map(index, [one])
            if number >= 0
        ]
    assert max(sizes) <= 1 << 16
    assert Window([], lambda parts: []) is not None
