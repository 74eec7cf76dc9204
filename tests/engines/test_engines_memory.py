"""Two gigabytes through a shuffle, by workers that may have half a gigabyte each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("shuffled.py")
LIMIT_BYTES = {"spark": 512 << 20, "dask": 512_000_000, "ray": 512_000_000}


@pytest.mark.guard(300)
@pytest.mark.parametrize("engine", LIMIT_BYTES)
def test_two_gigabytes_and_half_of_one_for_each_worker(engine, request):
    request.getfixturevalue(engine)  # it is there, or this is skipped
    done = subprocess.run(
        [sys.executable, PROGRAM, engine], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout.splitlines()[-1])
    print(engine, peaks)
    assert peaks[0] > 50_000_000  # they were looked at
    assert peaks[0] <= LIMIT_BYTES[engine]
