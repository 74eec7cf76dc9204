"""A coordinator that stands is asked from the command line, and answers."""

import json

import pytest

import mincer
from mincer.cli import desk
from mincer.cli.main import main
from mincer.errors import CancelledError
from mincer.net import visit
from mincer.net.keys import keys_of_password

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve(monkeypatch):
    """A coordinator without workers, of which the environment tells."""
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        monkeypatch.setenv("MINCER_ADDRESS", str(serve.address))
        monkeypatch.setenv("MINCER_PASSWORD", PASSWORD)
        yield serve


@pytest.fixture
def ask(capsys):
    """Exit code, stdout and stderr of a command."""

    def ask(*words):
        code = main(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return ask


@pytest.fixture
def handle(serve):
    """A job that waits for workers, and those who wait for it."""
    with mincer.Cluster(str(serve.address), password=PASSWORD, priority=2) as cluster:
        job = mincer.Job(lambda key, value: [(value, 1)], sum, name="a job")
        handle = job.submit({1: "a"}, runner=cluster)
        books = serve._coordinator.hub.books
        thread = serve._coordinator._thread
        while not any(book.intake.has_ended for book in books.values()):
            thread.join(0.01)
            assert not handle.done, handle.result()
        yield handle
        handle.cancel()
        handle.wait(20)


def test_how_it_is(serve, ask, handle):
    code, out, err = ask("status")
    assert (code, err) == (0, "")
    assert f"coordinator at {serve.address}, up " in out
    assert "  jobs      0 waiting for input, 1 running\n" in out
    code, out, err = ask("status", "--json")
    told = json.loads(out)
    assert (code, err, told["drivers"]) == (0, "", 1)
    assert told["jobs"]["running"] == 1


def test_its_workers(serve, ask):
    assert ask("workers") == (0, "no workers\n", "")
    assert json.loads(ask("workers", "--json")[1]) == {"workers": []}


def test_its_jobs(serve, ask, handle):
    code, out, _ = ask("jobs")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["JOB", "NAME", "STATE"],
        [out.splitlines()[1][:8], "a", "job"],
    ]
    (row,) = json.loads(ask("jobs", "--json")[1])["jobs"]
    assert (row["name"], row["state"], row["priority"]) == ("a job", "running", 2)
    code, out, _ = ask("jobs", row["job"][:4])
    assert code == 0
    assert out.startswith(f"job {row['job']}\n  name      a job\n")
    assert json.loads(ask("jobs", row["job"], "--json")[1])["jobs"][0] == {
        **row,
        "elapsed_s": pytest.approx(row["elapsed_s"], abs=60),
    }


def test_a_job_is_cancelled_and_its_driver_is_told_by_whom(serve, ask, handle):
    job = json.loads(ask("jobs", "--json")[1])["jobs"][0]["job"]
    assert ask("cancel", job[:6]) == (0, f"job {job} (a job) is cancelled\n", "")
    with pytest.raises(CancelledError, match=r"the job was cancelled: \S+ cancelled"):
        handle.result(20)
    # It is, and so is a second time.
    code, out, err = ask("cancel", job, "--json")
    assert (code, err, json.loads(out)["jobs"][0]["state"]) == (0, "", "cancelled")
    assert "cancelled it" in ask("jobs")[1]


def test_what_was_over_before_cannot_be_cancelled(serve, ask):
    with mincer.Cluster(str(serve.address), password=PASSWORD) as cluster:
        job = mincer.Job(lambda key, value: [])
        job.run({}, runner=cluster).close()
    (row,) = json.loads(ask("jobs", "--json")[1])["jobs"]
    assert row["state"] == "done"
    code, out, err = ask("cancel", row["job"])
    assert (code, out) == (1, "")
    assert "was over before: it is done" in err
    code, out, err = ask("cancel", row["job"], "--json")
    assert (code, json.loads(out)["jobs"][0]["state"]) == (1, "done")


def test_a_job_that_is_not_there_is_told(serve, ask):
    for words in (["cancel", "ab"], ["jobs", "ab"]):
        code, out, err = ask(*words)
        assert (code, out) == (2, "")
        assert "knows no job that begins with ab" in err


def test_who_may_not_ask_ends_with_4(serve, ask):
    code, out, err = ask("status", "-p", "another word")
    assert (code, out) == (4, "")
    assert "refused by the coordinator at" in err


def test_where_nobody_is_it_ends_with_3(ask, monkeypatch):
    monkeypatch.setattr(visit, "_CONNECT_S_MAX", 0.3)
    code, out, err = ask("status", "--address", "127.0.0.1:1", "-p", "x")
    assert (code, out) == (3, "")
    assert "no coordinator answers at 127.0.0.1:1" in err


def test_without_a_secret_nobody_is_asked(ask):
    code, _, err = ask("jobs")
    assert code == 2
    assert "a coordinator answers those who have its password" in err


def test_ctrl_c_ends_with_130(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(visit.Visit, "_turn", interrupt)
    keys = keys_of_password("x")
    assert desk.execute(desk.DeskOptions(what="status", keys=keys)) == 130
    assert capsys.readouterr().err == "interrupted\n"
