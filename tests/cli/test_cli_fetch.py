"""A job that was left from the command line is fetched from the command line."""

import json
import threading
from contextlib import contextmanager

import pytest

import mincer
from mincer.cli.main import main

pytestmark = pytest.mark.cluster

PASSWORD = "correct horse battery staple"
JOBFILE = """
import mincer


def mapfn(key, line):
    for word in line.split():
        yield word, 1


job = mincer.Job(mapfn, sum)
bad = mincer.Job(lambda key, line: 1 / 0, max_attempts=1)
"""


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINCER_KEY_FILE", raising=False)
    (tmp_path / "wc.py").write_text(JOBFILE)
    (tmp_path / "in.txt").write_text("a b a\nc a\n")


@pytest.fixture
def serve(monkeypatch):
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        monkeypatch.setenv("MINCER_ADDRESS", str(serve.address))
        monkeypatch.setenv("MINCER_PASSWORD", PASSWORD)
        yield serve


@contextmanager
def a_worker(serve):
    worker = mincer.Worker(str(serve.address), password=PASSWORD, slots=1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.stop()
    thread.join()


@pytest.fixture
def say(capsys):
    """Exit code, stdout and stderr of a command."""

    def say(*words):
        code = main(list(map(str, words)))
        told = capsys.readouterr()
        return code, told.out, told.err

    return say


def left(say, jobfile="wc.py", *more):
    """The id of a job that was left."""
    options = ["--runner", "cluster", "--detach"]
    code, out, err = say("run", jobfile, "in.txt", *options, *more)
    assert code == 0, err
    job = out.strip()
    assert len(job) == 32
    assert f"mincer fetch {job[:8]}" in err
    return job


def test_a_job_is_left_and_fetched(serve, say, tmp_path):
    job = left(say)
    with a_worker(serve):
        code, out, err = say("fetch", job[:6], "--report", "report.json")
    assert code == 0, err
    assert sorted(out.splitlines()) == ["a\t3", "b\t1", "c\t1"]
    assert json.loads((tmp_path / "report.json").read_text())["job"] == job
    code, _, err = say("fetch", job[:6])
    assert code == 1
    assert "there is no such job here" in err


def test_the_result_goes_where_it_was_to_go(serve, say, tmp_path):
    job = left(say, "wc.py", "-o", "out", "--format", "jsonl")
    assert not (tmp_path / "out").exists()
    with a_worker(serve):
        code, out, err = say("fetch", job)
    assert (code, out) == (0, ""), err
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_or_where_it_is_wanted_now(serve, say, tmp_path):
    job = left(say)
    with a_worker(serve):
        code, out, err = say("fetch", job, "-o", "there", "-q")
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "there" / "_SUCCESS").exists()


def test_a_job_that_failed_is_told_as_such(serve, say):
    job = left(say, "wc.py:bad")
    with a_worker(serve):
        code, out, err = say("fetch", job)
    assert (code, out) == (1, "")
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fetch", "abc"], "no job"),
        (["fetch"], "Missing argument"),
        (["fetch", "abc", "--format", "pickle"], "not for stdout"),
        (["fetch", "abc", "--overwrite"], "-o DIR"),
        (["run", "wc.py", "in.txt", "--detach"], "Add --runner cluster"),
    ],
)
def test_what_is_wrong_is_explained(serve, say, words, told):
    code, out, err = say(*words)
    assert (code, out) == (2, "")
    assert told in err


def test_without_a_secret_it_is_told_what_to_type(monkeypatch, say):
    monkeypatch.delenv("MINCER_PASSWORD", raising=False)
    code, _, err = say("fetch", "abc")
    assert code == 2
    assert "MINCER_PASSWORD" in err
