"""Input and output behind URLs, on every runner: S3, file:// and memory://."""

import csv
import io
import json
from contextlib import contextmanager

import pytest

import mincer
from cluster_processes import PASSWORD, Workers
from mincer.testing.digests import digest

WORDS = "".join(f"w{n % 997} x{n % 89} line\n" for n in range(200_000))
RUNNERS = ["inline", "local", "cluster", "spark", "dask", "ray"]
#: They read and write themselves, each its own.
WITH_WORKERS = RUNNERS[1:]


def words_of(key, line):
    for word in line.split():
        yield word, 1


words = mincer.Job(words_of, sum, combinefn=sum, parts=3)


@pytest.fixture(scope="module")
def cluster(s3):
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        Workers(serve.address.port, 2, "-n", 1) as workers,
    ):
        workers.wait_for(serve)
        yield serve


@contextmanager
def runner_of(name, request):
    """A runner, and what `run` is told besides."""
    if name == "local":
        yield {"runner": "local", "workers": 2}
    elif name in ("inline", "cluster"):
        yield {
            "runner": "inline" if name == "inline" else request.getfixturevalue(name)
        }
    else:
        make = {"spark": mincer.Spark, "dask": mincer.Dask, "ray": mincer.Ray}[name]
        given = [] if name == "ray" else [request.getfixturevalue(name)]
        with make(*given) as runner:
            yield {"runner": runner}


@pytest.fixture(params=RUNNERS)
def name(request):
    return request.param


@pytest.fixture
def run(name, request, s3):
    with runner_of(name, request) as more:

        def run(job, source, **options):
            return job.run(source, progress=False, **more, **options)

        yield run


@pytest.fixture
def put(s3, request):
    """Put a file into the bucket, below a folder of this test; return its URL."""
    folder = f"{s3.bucket}/{request.node.name}".replace("[", "-").rstrip("]")

    def put(name, data):
        s3.storage.pipe_file(f"{folder}/{name}", data.encode())
        return f"s3://{folder}/{name}"

    put.folder = f"s3://{folder}"
    return put


def expected(job, source):
    with job.run(source, runner="inline") as results:
        return digest(results)


def test_words_from_s3_and_to_s3(run, put, s3, name):
    put("in/a.txt", WORDS)
    put("in/b.txt", "one more\n")
    source = mincer.sources.text(f"{put.folder}/in", split_size="512kB")
    out = f"{put.folder}/out"
    del s3.asked[:]
    with run(words, source, output=out) as results:
        assert results.counters == {}
        assert results.paths == [f"{out}/part-0000{n}" for n in range(3)]
        found = results.to_dict()
    reads, writes = who_asked(s3, "GET", "/in/"), who_asked(s3, "PUT", "attempt-")
    lines = (WORDS + "one more\n").split()
    assert found == {word: lines.count(word) for word in set(lines)}
    listed = sorted(s3.storage.ls(out, detail=False, refresh=True))
    names = ["_SUCCESS", "part-00000", "part-00001", "part-00002"]
    assert [path.rpartition("/")[2] for path in listed] == names
    if name in WITH_WORKERS:
        # Each range is read by a worker, and each part written by one.
        assert set(reads) == set(writes) == {False}
        assert len(reads) >= 5


def who_asked(s3, method, place):
    """For each request of what is named so: whether the driver asked."""
    asked = [one for one in s3.asked if one[0] == method and place in one[1]]
    if method == "GET":
        assert all(span is not None for _, _, span, _ in asked)
    return [is_driver for *_, is_driver in asked]


def test_all_kinds_of_input_from_s3(run, put):
    table = io.StringIO()
    csv.writer(table).writerows([["n", "m"], *([n, n % 7] for n in range(300))])
    kinds = mincer.sources
    sources = [
        kinds.text(put("a.txt", "a b\nc a\n")),
        kinds.blocks(put("b.txt", WORDS)),
        kinds.files(put("c.txt", "x\ny\n")),
        kinds.jsonl(put("d.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(300)))),
        kinds.csv(put("e.csv", table.getvalue())),
    ]
    for source in sources:
        job = mincer.Job(lambda key, value: [(str(key), json.dumps(repr(value)))])
        with run(job, source) as results:
            assert digest(results) == expected(job, source)


def test_the_output_in_s3_is_the_input_of_another_job(run, put):
    source = put("in.txt", "a b a\nc a b\n")
    with run(words, source, output=f"{put.folder}/out", format="jsonl") as results:
        again = results.as_source()
        turned = mincer.Job(lambda word, n: [(n, word)])
        for given in (again, mincer.sources.output(f"{put.folder}/out")):
            with run(turned, given) as found:
                assert sorted(found) == [(1, "c"), (2, "b"), (3, "a")]


def test_what_is_in_s3_is_replaced_when_that_was_asked_for(run, put):
    out = f"{put.folder}/out"
    run(words, put("in.txt", "old\n"), output=out).close()
    source = put("in.txt", "new\n")
    with pytest.raises(mincer.errors.OutputError, match="exists already"):
        run(words, source, output=out)
    with run(words, source, output=out, overwrite=True) as results:
        assert results.to_dict() == {"new": 1}


def test_a_job_that_fails_leaves_nothing_in_s3(run, put, s3):
    def fails(key, line):
        raise ValueError("always")

    out = f"{put.folder}/out"
    with pytest.raises(mincer.errors.UserCodeError, match="always"):
        run(mincer.Job(fails, max_attempts=1), put("in.txt", "a\n"), output=out)
    assert s3.storage.find(out, refresh=True) == []


def test_a_bucket_that_is_not_there_is_told(run):
    with pytest.raises(mincer.errors.InputError, match="s3://nowhere/in"):
        run(words, "s3://nowhere/in")
    with pytest.raises(mincer.errors.OutputError, match="cannot write to s3://nowhere"):
        run(words, mincer.sources.items(["a"]), output="s3://nowhere/out")


def test_a_file_url_is_a_path(run, tmp_path):
    (tmp_path / "in.txt").write_text("a b a\n")
    out = f"file://{tmp_path}/out"
    with run(words, f"file://{tmp_path}/in.txt", output=out) as results:
        assert results.to_dict() == {"a": 2, "b": 1}
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_the_memory_of_the_driver(run, name):
    """Workers elsewhere do not find it, and send their parts to who does."""
    out = f"memory://a-{name}/out"
    source = mincer.sources.items(["a b", "a"])
    if name == "local":  # its children write what they make, or nobody
        with pytest.raises(mincer.errors.OutputError, match="does not find memory://"):
            run(words, source, output=out)
        return
    with run(words, source, output=out) as results:
        assert results.to_dict() == {"a": 2, "b": 1}
    again = mincer.Job(lambda key, value: [(key, value)])
    with again.run(mincer.sources.output(out), runner="inline") as kept:
        assert kept.to_dict() == {"a": 2, "b": 1}
