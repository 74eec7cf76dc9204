"""What a process keeps of its free memory: watched in a process of its own, since what
is free in that of the tests depends on those before."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from mincer.worker.machine import pages_given, resident_bytes
from mincer.worker.reserve import Reserve

def work():
    "Take 70 MB in small objects, and free it."
    before = pages_given()
    words = [str(n) + "x" * 20 for n in range(1_000_000)]
    del words
    return pages_given() - before

reserve = Reserve(resident_bytes)
base = resident_bytes()
reserve.begin(int(sys.argv[1]) or None)
if sys.argv[2].startswith("before"):
    record = b"x" * (int(sys.argv[2][6:]) << 20)
    reserve.expect()
    del record
first = work()
if sys.argv[2] == "between":
    reserve.look()
kept = resident_bytes() - base
reserve.tidy()
second = work()
reserve.tidy()
reserve.begin(100 << 20)
reserve.tidy()
print(first, second, kept >> 20, (resident_bytes() - base) >> 20)
"""


def figures(limit, looked="between"):
    """Pages given to the first and second work, MiB kept and left; 0: no limit."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(limit), looked],
        capture_output=True,
        text=True,
        check=True,
    )
    return map(int, run.stdout.split())


needs_pages = pytest.mark.skipif(
    sys.platform != "linux", reason="tells of pages and arenas as Linux gives them"
)


@needs_pages
@pytest.mark.parametrize("limit", [0, 4 << 30])
def test_what_is_taken_again_and_again_is_kept(limit):
    first, second, kept_mib, left_mib = figures(limit)
    assert first > 10_000
    assert second < first / 4
    assert 60 < kept_mib < 110
    assert left_mib < 30  # the next attempt's limit is small


@needs_pages
def test_it_is_kept_also_from_one_attempt_to_the_next():
    first, second, kept_mib, left_mib = figures(0, "after")
    assert kept_mib < 20
    assert second < first / 4
    assert left_mib < 30


@needs_pages
def test_a_large_record_is_met_with_memory():
    first, second, _, left_mib = figures(0, "before16")
    assert first < 5000
    assert second < 5000
    assert left_mib < 30


@needs_pages
@pytest.mark.parametrize(("limit", "size"), [(0, 4), (150 << 20, 16)])
def test_a_small_record_or_limit_is_not(limit, size):
    first, _, kept_mib, _ = figures(limit, f"before{size}")
    assert first > 10_000
    assert kept_mib < 24


@needs_pages
def test_under_a_small_limit_nothing_is_kept():
    first, second, kept_mib, left_mib = figures(150 << 20)
    assert second > first / 2
    assert kept_mib < 20
    assert left_mib < 20


@needs_pages
def test_what_is_given_once_is_not_kept():
    program = """
from mincer.worker.machine import resident_bytes
from mincer.worker.reserve import Reserve

reserve = Reserve(resident_bytes)
reserve.begin(None)
held = [str(n) + "x" * 20 for n in range(1_000_000)]
before = resident_bytes()
reserve.look()
print((resident_bytes() - before) >> 20)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 8
