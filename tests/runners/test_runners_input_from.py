"""Input is read where it is, by those first who see it, and sent to the others."""

import gzip
import shutil
from collections import Counter

import pytest

import mincer
from cluster_processes import PASSWORD, Workers, needs_hiding
from mincer import sources
from mincer.errors import InputError

pytestmark = pytest.mark.cluster

LINES = [f"line {n} of {n % 7} lines" for n in range(300)]
EXPECTED = Counter(" ".join(LINES).split())


def words(key, line):
    for word in line.split():
        yield word, 1


def same(key, value):
    yield key, value


def fields(key, row):
    yield row["number"], row["text"]


JOB = mincer.Job(words, sum, combinefn=sum, parts=3)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def text(disk):
    path = disk / "lines.txt"
    path.write_text("\n".join(LINES))
    return sources.text(str(path), split_size=1000)


@pytest.fixture(scope="module")
def strange():
    """A coordinator, and a worker that does not see the disk; another may join."""
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        yield serve


@pytest.fixture(scope="module")
def worker(strange, disk):
    needs_hiding(disk)
    with Workers(strange.address.port, 1, "-n", 2, hidden=disk) as workers:
        workers.wait_for(strange)
        yield workers


@pytest.fixture(scope="module")
def sharing():
    """A coordinator, and a worker that sees what the driver sees."""
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        Workers(serve.address.port, 1, "-n", 2) as workers,
    ):
        workers.wait_for(serve)
        yield serve


def ways(results):
    report = results.report
    assert sum(report.input_from.values()) == report.splits
    return set(report.input_from)


def test_who_sees_the_files_reads_them(sharing, text):
    with JOB.run(text, runner=sharing) as results:
        assert results.to_dict() == EXPECTED
        assert ways(results) == {"read by workers"}


def test_who_does_not_is_sent_what_it_reads(strange, worker, text):
    with JOB.run(text, runner=strange) as results:
        assert results.to_dict() == EXPECTED
        assert ways(results) == {"sent by the driver"}


def test_what_only_the_driver_has_is_sent_to_all(sharing):
    with JOB.run(sources.items(LINES), runner=sharing) as results:
        assert results.to_dict() == EXPECTED
        assert ways(results) == {"sent by the driver"}


def test_who_has_the_input_is_first(strange, worker, disk, monkeypatch):
    """Two splits for two slots that see them, and two that do not: none is sent."""
    # However busy this machine is, the answers are waited for.
    monkeypatch.setattr("mincer.net.survey.HOLD_S", 30.0)
    path = disk / "few.txt"
    path.write_text("\n".join(LINES))
    size = path.stat().st_size // 2 + 1
    source = sources.text(str(path), split_size=size)
    job = mincer.Job(words, sum, parts=3, max_attempts=1)
    with Workers(strange.address.port, 1, "-n", 2) as more:
        more.wait_for(strange, 2 + (strange._client is not None))
        with job.run(source, runner=strange) as results:
            assert results.to_dict() == EXPECTED
            assert results.report.input_from == {"read by workers": 2}


SOURCES = {
    "blocks": lambda path: sources.blocks(path, size=500),
    "files": lambda path: sources.files(path),
    "jsonl": lambda path: sources.jsonl(path, split_size=1000),
    "csv": lambda path: sources.csv(path, split_size=1000),
    "gz": lambda path: sources.text(path),
}


def written(folder, kind):
    path = folder / f"input.{kind}"
    match kind:
        case "jsonl":
            data = "\n".join(f'{{"text": "{line}"}}' for line in LINES)
        case "csv":
            rows = [f'{n},"{text}"' for n, text in enumerate(LINES)]
            data = "\n" * 3000 + "\n".join(["number,text", *rows])
        case _:
            data = "\n".join(LINES)
    raw = data.encode()
    path.write_bytes(gzip.compress(raw) if kind == "gz" else raw)
    return SOURCES[kind](str(path))


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_sent_is_what_would_be_read(strange, worker, disk, kind):
    source = written(disk, kind)
    job = mincer.Job(fields if kind == "csv" else same)
    with (
        job.run(source, runner=strange) as results,
        job.run(source, runner="inline", progress=False) as expected,
    ):
        assert list(results) == list(expected)
        assert ways(results) == {"sent by the driver"}


@pytest.mark.parametrize("format", [None, "tsv", "jsonl", "pickle", "lines"])
def test_results_are_a_source_for_who_does_not_see_them(strange, worker, disk, format):
    output = None if format is None else disk / f"results-{format}"
    first = JOB.run(sources.items(LINES), runner=strange, output=output, format=format)
    with first, mincer.Job(same).run(first, runner=strange) as second:
        assert sorted(map(repr, second)) == sorted(map(repr, first))
        assert ways(second) == {"sent by the driver"}


def test_written_results_are_read_where_they_are(sharing, disk):
    options = {"runner": sharing, "output": disk / "results-shared"}
    with (
        JOB.run(sources.items(LINES), **options) as first,
        mincer.Job(same).run(first, runner=sharing) as second,
    ):
        assert second.to_dict() == EXPECTED
        assert ways(second) == {"read by workers"}


def test_a_file_that_was_changed_meanwhile_is_told(strange, worker, disk):
    path = disk / "changed.txt"
    path.write_text("\n".join(LINES))
    source = sources.text(str(path), split_size=1000)
    source.check()
    shutil.copy(disk / "lines.txt", path)
    source.check = lambda: None  # as if it had been changed just after
    with pytest.raises(InputError, match="was changed while the job ran"):
        JOB.run(source, runner=strange)
