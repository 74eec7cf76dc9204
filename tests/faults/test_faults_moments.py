"""Children are killed at moments that a seed chooses, while the job goes on."""

import contextlib
import os
import random
import threading

import psutil
import pytest
from fault_jobs import counted, gathered, itself, numbered

import mincer
from mincer.errors import WorkerDiedError
from mincer.worker.pool import _STILLBORN_MAX

#: MINCER_KILLS=200 for a night; each seed is one job, killed at several times.
SEEDS = int(os.environ.get("MINCER_KILLS", "20"))


class Killer(threading.Thread):
    """Kills a child of `local` now and then until it is told to stop."""

    def __init__(self, local, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.delay_s = self.random.choice([0.05, 0.1, 0.2])
        self.local = local
        self.over = threading.Event()
        self.kills = 0

    def run(self):
        while not self.over.wait(self.random.expovariate(1 / self.delay_s)):
            children = self.local._loop._hands.children
            victims = [one for one in list(children) if not one.has_ended()]
            if victims:
                with contextlib.suppress(psutil.NoSuchProcess):  # just replaced
                    psutil.Process(self.random.choice(victims).pid).kill()
                    self.kills += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_result_is_exact(numbers, spill, tmp_path, seed):
    choose = random.Random(-seed)
    output = choose.choice([None, tmp_path / "out"])
    sampled = choose.random() < 0.3
    split_size = choose.choice([5_000, 20_000, 80_000])
    options = {"parts": choose.choice([2, 5]), "max_attempts": choose.choice([3, 9])}
    if sampled:
        options |= {"sort_keys": True, "partitionfn": mincer.by_range}
    job = mincer.Job(numbered, gathered, **options)
    if choose.random() < 0.2:
        job = mincer.Job(itself, max_attempts=9)
    expected = counted(numbers.lines)
    if job.reducefn is None:
        expected = {int(line): int(line) for line in numbers.lines}

    failure = None
    with mincer.Local(workers=2) as local, Killer(local, seed) as killer:
        try:
            results = job.run(numbers.source(split_size), runner=local, output=output)
        except WorkerDiedError as error:
            failure = error
    if failure is not None:
        # One task lost all its attempts, or no child could start any more.
        assert killer.kills >= min(job.max_attempts, _STILLBORN_MAX)
        assert "SIGKILL" in str(failure)
        assert output is None or not output.exists()
        return
    report = results.report
    print(f"seed {seed}: {killer.kills} kills, {report.attempts}")
    with results:
        assert sorted(results) == sorted(expected.items())
        assert not sampled or job.reducefn is None or list(results) == sorted(results)
        assert results.counters["records"] == len(numbers.lines)
        if job.reducefn is not None:
            assert results.counters["keys"] == len(expected)
            assert results.counters["values"] == len(numbers.lines)
        assert results.report.records == len(numbers.lines)
        assert len(results) == len(expected)
