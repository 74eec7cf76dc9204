"""What a process may use of its machine."""

import os

import pytest

from mincer.limits import MEMORY_BYTES_MIN
from mincer.worker import machine


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CGROUP", str(tmp_path))
    monkeypatch.setattr(machine, "_OWN_GROUPS", str(tmp_path / "own"))

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    return write


def test_a_quota_limits_the_cores(cgroup):
    cgroup("cpu.max", "max 100000\n")
    free = machine.cores()
    cgroup("cpu.max", "50000 100000\n")
    assert machine.cores() == 1
    assert free >= 1


def test_a_quota_of_the_older_kind(cgroup):
    cgroup("cpu/cpu.cfs_quota_us", "100000\n")
    cgroup("cpu/cpu.cfs_period_us", "100000\n")
    assert machine.cores() == 1


def test_no_cgroup_is_no_limit(cgroup):
    assert machine.cores() >= 1
    assert machine.usable_memory_bytes() > MEMORY_BYTES_MIN


def test_the_smaller_memory_counts(cgroup):
    cgroup("memory.max", "max\n")
    free = machine.usable_memory_bytes()
    cgroup("memory.max", "500000000\n")
    assert machine.usable_memory_bytes() == 500_000_000 < free
    assert machine.memory_per_slot(2) == 125_000_000
    assert machine.memory_per_slot(1000) == MEMORY_BYTES_MIN


def test_a_cgroup_of_the_older_kind(cgroup):
    cgroup("memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert machine.usable_memory_bytes() < 1 << 60


def test_the_affinity_limits_the_cores(cgroup, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 2, 5}, raising=False)
    assert machine.cores() == 3
    cgroup("cpu.max", "150000 100000\n")
    assert machine.cores() == 2


def test_a_limit_on_a_group_above_counts(cgroup, monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda pid: set(range(8)), raising=False
    )
    cgroup("own", "0::/user.slice/job.scope\n")
    cgroup("user.slice/memory.max", "400000000\n")
    cgroup("user.slice/job.scope/memory.max", "max\n")
    cgroup("user.slice/cpu.max", "300000 100000\n")
    cgroup("user.slice/job.scope/cpu.max", "max 100000\n")
    assert machine.usable_memory_bytes() == 400_000_000
    assert machine.cores() == 3


def test_a_limit_on_an_own_group_of_the_older_kind(cgroup, monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda pid: set(range(8)), raising=False
    )
    cgroup("own", "4:memory:/pod/a\n3:cpuset:/\n2:cpu,cpuacct:/pod\n0::/\n")
    cgroup("memory/memory.limit_in_bytes", "9223372036854771712\n")
    cgroup("memory/pod/a/memory.limit_in_bytes", "300000000\n")
    cgroup("cpu/pod/cpu.cfs_quota_us", "200000\n")
    cgroup("cpu/pod/cpu.cfs_period_us", "100000\n")
    assert machine.usable_memory_bytes() == 300_000_000
    assert machine.cores() == 2


def test_a_group_that_is_not_to_be_seen_is_left_out(cgroup):
    free = machine.usable_memory_bytes()
    cgroup("own", "0::/../other\n")
    cgroup("../other/memory.max", "200000000\n")
    assert machine.usable_memory_bytes() == free


def test_resident_memory_is_what_this_process_has():
    before = machine.resident_bytes()
    block = bytearray(os.urandom(1)) * 50_000_000
    assert machine.resident_bytes(os.getpid()) - before > 40_000_000
    del block


def test_a_process_that_is_gone_has_none():
    assert machine.resident_bytes(2**22 + 1) == 0


def test_memory_can_be_given_back():
    machine.give_back_memory()  # wherever it is: never an error


def test_the_own_size_is_told_again_and_again(monkeypatch):
    size = machine.OwnSize()
    before = size()
    held = b"x" * (32 << 20)
    assert before + len(held) * 3 // 4 < size() <= machine.resident_bytes() + (4 << 20)
    size.close()
    assert abs(size() - machine.resident_bytes()) < 4 << 20
    size.close()

    def refuse(*_):
        raise FileNotFoundError

    monkeypatch.setattr(machine.os, "open", refuse)
    machine.OwnSize().close()  # where there is no /proc


def test_pages_are_counted():
    before = machine.pages_given()
    held = bytearray(64 * machine.PAGE_BYTES)
    assert machine.pages_given() >= before
    assert len(held) == 64 * machine.PAGE_BYTES


def test_free_memory_can_be_kept():
    machine.keep_free_memory(1 << 20)  # wherever it is: never an error
