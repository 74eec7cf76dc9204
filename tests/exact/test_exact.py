"""The same answer from `mincer run`, from `job.run`, from the inline runner and from a
program by hand that knows nothing of mincer; and in the memory that was granted.

At a hundredth of the size as part of all tests; `make test-exact` runs them in full.
"""

import os
from functools import cache
from pathlib import Path

import inputs
import pytest
from watched import run_watched

import mincer
from mincer.testing import digest

HERE = Path(__file__).resolve().parent
#: 1 is the full size: 200 MB of words, 1 GB of records, 20 M values of one key.
SCALE = float(os.environ.get("MINCER_EXACT_SCALE", "0.01"))
FULL = SCALE == 1
MEMORY = "128MB"
#: The limit, and a tenth for what happens between two looks.
CHILD_BYTES_MAX = 141_000_000
DRIVER_GROWTH_BYTES_MAX = 30_000_000

pytestmark = pytest.mark.guard(3000 if FULL else 120)

#: name: (job, source, program by hand, input, in output order)
CASES = {
    "library": ("words", "library", "library", None, False),
    "many words": ("words", "text", "words", inputs.many_words, False),
    "many words, own sum": ("words_by_own", "text", "words", inputs.many_words, False),
    "uncombined": ("words_uncombined", "text", "words", inputs.many_words, False),
    "total order": ("order", "text", "order", inputs.records, True),
    "one key": ("one_key", "text", "one_key", inputs.starts, False),
    "json lines": ("spending", "jsonl", "spending", inputs.json_lines, False),
    "gz": ("words", "text", "words", inputs.prose, False),
    "dict": ("words", "dict", "texts", inputs.prose, False),
    "generator": ("words", "generator", "texts", inputs.prose, False),
}


def paths_of(case, scale):
    make = CASES[case][3]
    if make is None:
        return tuple(inputs.library()[:: 1 if FULL else 10])
    ending = ".gz" if case == "gz" else ".txt"
    return (inputs.made(make.__name__ + ending, scale, make),)


@cache
def by_hand(program, paths):
    watched = run_watched(str(HERE / "by_hand" / "programs.py"), program, *paths)
    assert watched.returncode == 0, watched.stderr
    return watched.stdout.strip()


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
