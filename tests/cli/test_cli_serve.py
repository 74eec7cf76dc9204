"""`mincer serve`: it says what to type on a worker, and stands until it is ended."""

import os
import re
import signal
import subprocess
import sys

import pytest

import mincer
from mincer.cli.main import main


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def start():
    made = []

    def start(*words, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "mincer", *words],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        made.append(process)
        return process

    yield start
    for process in made:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def words(key, line):
    yield from ((word, 1) for word in line.split())


def test_what_it_says_is_what_to_type(start):
    serve = start("serve", "127.0.0.1:0")
    assert "coordinator at 127.0.0.1:" in serve.stderr.readline()
    assert "no password was given" in serve.stderr.readline()
    line = serve.stderr.readline()
    found = re.match(r"\s+MINCER_PASSWORD=(\S+) mincer worker (\S+)\n", line)
    token, address = found.groups()
    start("worker", address, "-n", "1", MINCER_PASSWORD=token)
    with mincer.Cluster(address, password=token) as cluster:
        results = mincer.Job(words, sum).run({1: "a b a"}, runner=cluster)
        assert results.to_dict() == {"a": 2, "b": 1}
        results.close()
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(20) == 0


def test_a_job_file_runs_on_it_from_the_command_line(
    start, tmp_path, capfd, monkeypatch
):
    password = "correct horse battery staple"
    here = ["--cluster", "ours"]
    serve = start("serve", "127.0.0.1:0", *here, MINCER_PASSWORD=password)
    address = re.search(r"at (\S+)", serve.stderr.readline())[1]
    start("worker", address, "-n", "1", *here, MINCER_PASSWORD=password)
    (tmp_path / "serve_job.py").write_text(
        "def mapfn(k, line):\n    yield line, 1\n\nreducefn = sum\n"
    )
    (tmp_path / "in.txt").write_text("b\na\nb\n")
    monkeypatch.setattr("click.prompt", lambda *_, **__: password)
    where = ["--runner", "cluster", "--address", address, *here, "--ask-password"]
    code = main(["run", "serve_job.py", "in.txt", "--sort-keys", "-q", *where])
    assert (code, capfd.readouterr().out) == (0, "a\t1\nb\t2\n")


def test_an_address_that_cannot_be_had_is_told(capsys):
    assert main(["serve", "198.51.100.1:11235", "-p", "x"]) == 2
    assert "cannot listen on" in capsys.readouterr().err
