"""The same answer from `mincer run`, from `job.run`, from the inline runner and from a
program by hand that knows nothing of mincer; and in the memory that was granted.

At a hundredth of the size as part of all tests; `make test-exact` runs them in full.
"""

import os
from pathlib import Path

import pytest
from cases import CASES, FULL, SCALE, by_hand, paths_of
from watched import run_watched

import mincer
from mincer.testing import digest

HERE = Path(__file__).resolve().parent
MEMORY = "128MB"
#: The limit, and a tenth for what happens between two looks.
CHILD_BYTES_MAX = 141_000_000
DRIVER_GROWTH_BYTES_MAX = 30_000_000

pytestmark = pytest.mark.guard(3000 if FULL else 120)


def drive(case, runner, paths):
    job, source, _, _, ordered = CASES[case]
    order = "ordered" if ordered else "sorted"
    arguments = (job, source, runner, MEMORY, order, *paths)
    watched = run_watched(str(HERE / "drive.py"), *arguments)
    assert watched.returncode == 0, watched.stderr
    return watched


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture
def expected(case):
    return by_hand(CASES[case][2], paths_of(case, SCALE))


def test_inline(case, expected):
    assert drive(case, "inline", paths_of(case, SCALE)).stdout.strip() == expected


def test_job_run(case, expected):
    watched = drive(case, "local", paths_of(case, SCALE))
    assert watched.stdout.strip() == expected
    # Two that work, and the one that forks them; who looks now and then may miss some,
    # of a job of a moment all.
    assert FULL <= watched.children <= 3
    assert watched.child_peak <= CHILD_BYTES_MAX
    if FULL and case not in {"library", "dict"}:
        # (A dict is the driver's own memory; the library has one size only.)
        tenth = drive(case, "local", paths_of(case, SCALE / 10))
        growth = watched.driver_peak - tenth.driver_peak
        assert growth <= DRIVER_GROWTH_BYTES_MAX
        print(f"\n{case}: child {watched.child_peak / 1e6:.1f} MB, driver", end=" ")
        print(f"{watched.driver_peak / 1e6:.1f} MB, {growth / 1e6:+.1f} MB", end=" ")


def test_mincer_run(case, tmp_path, monkeypatch):
    job, source, program, _, ordered = CASES[case]
    paths = paths_of(case, SCALE)
    file, inputs_named = HERE / "jobs.py", paths
    if source != "text":
        file, inputs_named = HERE / "command_jobs.py", ()
        monkeypatch.setenv("EXACT_SOURCE", source)
        monkeypatch.setenv("EXACT_PATHS", os.pathsep.join(paths))
    out = tmp_path / "out"
    watched = run_watched(
        *("-m", "mincer", "run", f"{file}:{job}", *inputs_named, "-q"),
        *("-o", str(out), "--format", "pickle", "--memory", MEMORY, "-w", "2"),
    )
    assert watched.returncode == 0, watched.stderr
    assert watched.child_peak <= CHILD_BYTES_MAX
    output = mincer.sources.output(out)
    output.check()
    pairs = (
        pair
        for split in output.plan()
        for batch in split.read()
        for pair in zip(batch.keys, batch.values, strict=True)
    )
    assert digest(pairs, ordered=ordered) == by_hand(program, paths)
