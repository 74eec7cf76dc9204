"""`mincer run` from the words typed to the bytes on stdout, and its exit codes."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from mincer.cli.main import main

JOBFILE = """
import mincer

def mapfn(key, line):
    print("mapping", line)
    mincer.count("lines")
    for word in line.split():
        yield word, 1

job = mincer.Job(mapfn, sum, combinefn=sum, parts=1, sort_keys=True)

def show_params(key, line):
    yield line, mincer.context().params["day"]

params = mincer.Job(show_params)

def fail(key, line):
    if line.startswith("b"):
        raise ValueError("no " + line)
    yield line, 1

failing = mincer.Job(fail, sum, max_attempts=1, parts=1, sort_keys=True)

sets = mincer.Job(lambda key, line: [(line, {1})])

def left(key, line):
    yield line, "left"

def right(key, line):
    yield line, "right"

join = mincer.Job({"l": left, "r": right}, sorted, parts=1, sort_keys=True)
chain = mincer.Job(mapfn, sum, parts=1).then(lambda w, n: [(n, w)], sorted, parts=1)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a job file and two texts; it is the current one."""
    monkeypatch.chdir(tmp_path)
    # What import_jobfile does to the path lasts as long as the test.
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "cli_run_job.py").write_text(JOBFILE)
    (tmp_path / "a.txt").write_text("b a\nb\n")
    (tmp_path / "c.txt").write_text("c\n")
    yield tmp_path
    sys.modules.pop("cli_run_job", None)


@pytest.fixture
def mincer_run(folder, capfdbinary):
    """Run the command here; return (exit code, stdout, stderr)."""

    def call(name, *arguments):
        jobfile = f"cli_run_job.py:{name}" if name else "cli_run_job.py"
        code = main(["run", jobfile, "--runner", "inline", *arguments])
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


def test_pairs_on_stdout_all_else_on_stderr(mincer_run):
    code, out, err = mincer_run(None, "a.txt", "c.txt")
    assert (code, out) == (0, "a\t1\nb\t2\nc\t1\n")
    assert err.startswith("mapping b a\nmapping b\nmapping c\n")
    assert "cli_run_job: 3 pairs in " in err
    assert "  counter   lines = 3\n" in err


def test_quiet(mincer_run):
    assert mincer_run("params", "a.txt", "-q", "-D", "day=1=2") == (
        0,
        "b a\t1=2\nb\t1=2\n",
        "",
    )


@pytest.mark.parametrize(
    ("format", "lines"),
    [
        ("jsonl", ['{"key": "a", "value": 1}', '{"key": "b", "value": 2}']),
        ("lines", ["1", "2"]),
    ],
)
def test_formats(mincer_run, format, lines):
    out = mincer_run(None, "a.txt", "--format", format)[1].splitlines()
    if format == "jsonl":
        assert list(map(json.loads, out)) == list(map(json.loads, lines))
    else:
        assert out == lines


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_output_to_a_folder(mincer_run, folder, runner):
    options = ["-o", "out", "--name", "mine", "--runner", runner]
    code, out, err = mincer_run(None, "a.txt", *options)
    assert (code, out) == (0, "")
    assert (folder / "out" / "part-00000").read_text() == "a\t1\nb\t2\n"
    assert (folder / "out" / "_SUCCESS").exists()
    assert "mine: 2 pairs" in err
    assert "output    out (1 part" in err


def test_overwrite(mincer_run, folder):
    assert mincer_run(None, "a.txt", "-o", "out")[0] == 0
    code, _, err = mincer_run(None, "c.txt", "-o", "out")
    assert code == 1
    assert err.startswith("error: ")
    assert mincer_run(None, "c.txt", "-o", "out", "--overwrite")[0] == 0
    assert (folder / "out" / "part-00000").read_text() == "c\t1\n"


def test_a_join(mincer_run):
    code, out, _ = mincer_run("join", "l=a.txt", "r=c.txt", "l=c.txt")
    assert code == 0
    assert out == 'b\t["left"]\nb a\t["left"]\nc\t["left", "right"]\n'


def test_a_pipeline(mincer_run):
    code, out, _ = mincer_run("chain", "a.txt", "c.txt", "--sort-keys")
    assert (code, out) == (0, '1\t["a", "c"]\n2\t["b"]\n')


def test_limit(mincer_run):
    assert mincer_run(None, "a.txt", "--limit", "1")[1] == "a\t1\nb\t1\n"


def test_stdin(folder):
    command = "-m mincer run cli_run_job.py - --runner inline -q"
    done = subprocess.run(
        [sys.executable, *command.split()],
        input="x y\nx\n",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "x\t2\ny\t1\n")


def test_the_report(mincer_run, folder):
    assert mincer_run(None, "a.txt", "--report", "report.json")[0] == 0
    report = json.loads((folder / "report.json").read_text())
    assert (report["pairs"], report["records"]) == (2, 2)
    assert report["counters"] == {"lines": 2}


def test_a_failure_is_one_screen(mincer_run):
    code, out, err = mincer_run("failing", "c.txt", "a.txt")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "ValueError" in err
    assert 'raise ValueError("no " + line)' in err
    assert "a.txt at 0" in err
    assert "'b a'" in err
    assert len(err.splitlines()) < 24
    assert "runners/inline" not in err


def test_our_own_frames_show_with_v(mincer_run):
    assert "inline" in mincer_run("failing", "a.txt", "-v")[2]


def test_bad_records_can_be_left_out(mincer_run):
    assert mincer_run("failing", "a.txt", "c.txt", "--skip-bad-records", "1")[0] == 1
    code, out, _ = mincer_run("failing", "a.txt", "c.txt", "--skip-bad-records", "2")
    assert (code, out) == (0, "c\t1\n")


def test_what_a_format_cannot_hold(mincer_run):
    code, _, err = mincer_run("sets", "a.txt", "-q")
    assert code == 1
    assert "--format pickle" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no input"),
        (["a.txt", "--format", "pickle"], "not for stdout"),
        (["a.txt", "--overwrite"], "-o DIR"),
        (["a.txt", "-D", "day"], "NAME=VALUE"),
        (["a.txt", "-D", "=1"], "NAME=VALUE"),
        (["a.txt", "--report", "no/such/folder.json"], "--report cannot be written"),
        (["a.txt", "--memory", "much"], "memory"),
        (["a.txt", "--priority", "1"], "Add --runner cluster"),
        (["a.txt", "--runner", "serve", "-w", "2"], "not for --runner serve"),
        (["a.txt", "--runner", "cluster", "--memory", "1GB"], "mincer worker HOST"),
        (["a.txt", "--address", "here"], "--runner cluster, or --runner serve"),
        (["a.txt", "--cluster", "two"], "--runner cluster, or --runner serve"),
        (["a.txt", "--ask-password"], "--runner cluster, or --runner serve"),
        (
            ["a.txt", "--runner", "cluster", "--ask-password", "-p", "x"],
            "goes with neither",
        ),
    ],
)
def test_wrong_usage(mincer_run, arguments, words):
    code, out, err = mincer_run(None, *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_missing_input_is_found_before_any_work(mincer_run):
    code, _, err = mincer_run(None, "a.txt", "nowhere.txt")
    assert code == 1
    assert "nowhere.txt" in err
    assert "mapping" not in err


@pytest.mark.parametrize("jobfile", ["nowhere.py", "cli_run_job.py:nowhere"])
def test_a_missing_job(folder, capsys, jobfile):
    assert main(["run", jobfile, "a.txt"]) == 2
    assert "nowhere" in capsys.readouterr().err


STUCK = """
import sys, threading

def mapfn(key, line):
    print("stuck", flush=True)
    threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted\n"),
        (signal.SIGTERM, 143, "terminated\n"),
    ],
)
def test_a_signal_ends_it_and_nothing_is_left(folder, runner, number, code, words):
    (folder / "stuck.py").write_text(STUCK)
    spill = folder / "spill"
    spill.mkdir()
    command = f"-m mincer run stuck.py a.txt --runner {runner} -w 1"
    with subprocess.Popen(
        [sys.executable, *command.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(spill)},
        text=True,
    ) as driver:
        assert driver.stderr.readline() == "stuck\n"
        children = psutil.Process(driver.pid).children(recursive=True)
        assert bool(children) == (runner == "local")
        os.kill(driver.pid, number)
        # Two seconds, and as much again for a machine that has other work.
        out, err = driver.communicate(timeout=4)
    assert (driver.returncode, out, err) == (code, "", words)
    assert not psutil.wait_procs(children, timeout=4)[1]
    assert not list(spill.iterdir())
