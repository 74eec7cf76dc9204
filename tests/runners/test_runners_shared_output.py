"""Output to a folder that workers share is written by them, and sent by the others."""

import os
from collections import Counter

import pytest

import mincer
from cluster_processes import PASSWORD, Workers, needs_hiding
from mincer.sinks import FileSink

pytestmark = pytest.mark.cluster

LINES = [f"line {n} of some {n % 7} lines" for n in range(200)]
EXPECTED = Counter(" ".join(LINES).split())


def words(key, line):
    for word in line.split():
        yield word, 1


JOB = mincer.Job(words, sum, combinefn=sum, parts=6)


class Watched(FileSink):
    """Knows which parts were written in this process."""

    written = ()

    def open(self, part, attempt):
        self.written = (*self.written, part)
        return super().open(part, attempt)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A folder that some workers share."""
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def serve():
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        yield serve


@pytest.fixture
def sharing(serve):
    """A worker that sees what the driver sees."""
    with Workers(serve.address.port, 1, "-n", 2) as workers:
        yield workers


@pytest.fixture
def strange(serve, disk):
    """A worker that does not see the disk."""
    needs_hiding(disk)
    with Workers(serve.address.port, 1, "-n", 2, hidden=disk) as workers:
        yield workers


def wait_for(serve, *some):
    """Wait until these workers are there, and those of other tests are gone."""
    count = sum(len(workers.processes) for workers in some)
    driver = serve._client is not None
    some[0].wait_for(serve, count + driver)


def run(serve, folder, job=JOB, source=LINES, **options):
    sink = Watched(folder, **options)
    with job.run(mincer.sources.items(source), runner=serve, output=sink) as results:
        assert sorted(os.listdir(folder)) == sorted(
            ["_SUCCESS", *map(os.path.basename, results.paths)]
        )
        size = sum(map(os.path.getsize, results.paths))
        assert results.report.bytes_written == size
        return sink, list(results)


def test_workers_that_share_the_folder_write_the_parts(serve, sharing, disk):
    wait_for(serve, sharing)
    sink, pairs = run(serve, disk / "shared")
    assert dict(pairs) == EXPECTED
    assert sink.written == ()


def test_what_is_not_shuffled_is_written_too(serve, sharing, disk):
    wait_for(serve, sharing)
    sink, pairs = run(serve, disk / "maps", mincer.Job(words), format="lines")
    assert len(pairs) == sum(EXPECTED.values())
    assert sink.written == ()


def test_workers_that_do_not_share_it_send_the_parts(serve, strange, disk):
    wait_for(serve, strange)
    sink, pairs = run(serve, disk / "sent")
    assert dict(pairs) == EXPECTED
    assert sorted(sink.written) == list(range(6))
    sink, pairs = run(serve, disk / "sent-lines", mincer.Job(words), format="lines")
    assert len(pairs) == sum(EXPECTED.values())


def test_each_part_goes_the_way_that_its_worker_has(serve, sharing, strange, disk):
    wait_for(serve, sharing, strange)
    job = mincer.Job(words, sum, parts=40)
    sink, pairs = run(serve, disk / "mixed", job, format="jsonl")
    assert dict(pairs) == EXPECTED
    assert 0 < len(sink.written) < 40
    assert len(set(sink.written)) == len(sink.written)


def test_parts_of_a_worker_that_dies_later_count_all_the_same(serve, disk, tmp_path):
    """It writes its part, is gone before the job is done, and nothing of it is made
    again: what was committed does not need it."""
    gate = tmp_path / "gate"

    def slow(key, values):
        if key == "line":
            while not os.path.exists(gate):
                pass
        return sum(values)

    job = mincer.Job(words, slow, parts=6)
    with (
        Workers(serve.address.port, 1, "-n", 1) as first,
        Workers(serve.address.port, 0, "-n", 1) as second,
    ):
        wait_for(serve, first)
        sink = Watched(disk / "dies")
        handle = job.submit(mincer.sources.items(LINES), runner=serve, output=sink)

        def seen():
            # As soon as all parts but the slow one are committed, another comes.
            aside = sink.shared_folder if sink._job else None
            names = os.listdir(aside) if aside and os.path.isdir(aside) else []
            return sum(".committed-" in name for name in names)

        wait(lambda: seen() >= 1, handle)
        before = seen()
        second.start()
        first.kill(first.processes[0])
        gate.touch()
        with handle.result() as results:
            assert results.to_dict() == EXPECTED
            assert results.report.attempts.get("lost", 0) >= 1
    assert before
    assert sink.written == ()


def wait(is_so, handle):
    import time

    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        handle.wait(0.02)
        assert not handle.done, handle.result()


def test_a_failed_job_leaves_nothing_in_a_shared_folder(serve, sharing, disk):
    def refuse(key, values):
        raise ValueError(key)

    wait_for(serve, sharing)
    with pytest.raises(mincer.errors.UserCodeError):
        run(serve, disk / "failed", mincer.Job(words, refuse, parts=6))
    assert not (disk / "failed").exists()


def test_what_the_format_cannot_hold_is_told_by_workers_too(serve, sharing, disk):
    def odd(key, values):
        return {1, 2}

    wait_for(serve, sharing)
    with pytest.raises(mincer.errors.OutputError, match="tsv cannot hold the value"):
        run(serve, disk / "odd", mincer.Job(words, odd, parts=6))
    assert not (disk / "odd").exists()
