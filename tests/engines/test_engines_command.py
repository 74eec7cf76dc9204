"""`mincer run --runner …` begins an engine of its own, whatever the PATH says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORDCOUNT = Path(__file__).resolve().parents[2] / "examples" / "wordcount"


def told(runner):
    environment = {**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    environment.pop("PYSPARK_PYTHON", None)
    command = ["-m", "mincer", "run", WORDCOUNT / "wordcount.py", "-q"]
    done = subprocess.run(
        [sys.executable, *command, "--runner", runner],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


@pytest.mark.guard(120)
@pytest.mark.parametrize("runner", ["spark", "dask", "ray"])
def test_a_job_file_runs_unchanged(runner, request):
    request.getfixturevalue(runner)  # it is installed, or this is skipped
    assert told(runner) == told("inline")
