"""Disks that damage what was written, or are full."""

import os
import random
import subprocess
import tempfile

import pytest
from fault_jobs import counted, gathered, large_and_deadly, numbered

import mincer
from mincer.errors import MincerError
from mincer.runners.local.job import LocalJob


class Damage:
    """Changes bytes of each of the first outputs of maps, once they are announced.

    In place of the parent's `publish`, which is between the map and its readers.
    """

    def __init__(self, monkeypatch, seed, times, flips=1):
        self.random = random.Random(seed)
        self.times = times
        publish = LocalJob.publish

        def damaged(job, attempt, number):
            if self.times and attempt.task.kind == "map":
                self.times -= 1
                for _ in range(flips):
                    self.flip(job.made[attempt].place)
            publish(job, attempt, number)

        monkeypatch.setattr(LocalJob, "publish", damaged)

    def flip(self, place):
        with open(place.path, "r+b") as file:
            at = place.offset + self.random.randrange(place.length_bytes)
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << self.random.randrange(8)]))


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_output_is_made_again(numbers, spill, monkeypatch, seed):
    damage = Damage(monkeypatch, seed, times=1 + seed % 3)
    job = mincer.Job(numbered, gathered, parts=3)
    with mincer.Local(workers=2) as local:
        results = job.run(numbers.source(), runner=local)
    with results:
        assert not damage.times
        expected = counted(numbers.lines)
        assert sorted(results) == sorted(expected.items())
        assert results.counters["records"] == len(numbers.lines)
        assert results.counters["values"] == len(numbers.lines)
        attempts = results.report.attempts
        assert attempts["done"] + attempts.get("failed", 0) > results.report.splits + 3


def test_what_is_damaged_each_time_ends_the_job(numbers, spill, monkeypatch):
    # So often that each reduce meets some of it: one who meets none is done.
    Damage(monkeypatch, 1, times=10**9, flips=100)
    job = mincer.Job(numbered, gathered, parts=3)
    with (
        mincer.Local(workers=2) as local,
        pytest.raises(MincerError, match="could not be read"),
    ):
        job.run(numbers.source(), runner=local)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A file system of 1 MiB, where one may be mounted, for all temporary files."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    left = os.listdir(folder)
    subprocess.run(["umount", str(folder)], check=True)
    assert left == []


@pytest.mark.parametrize("with_reduce", [True, False])
def test_a_full_disk_is_told(numbers, small_disk, tmp_path, with_reduce):
    job = mincer.Job(large_and_deadly, gathered if with_reduce else None)
    params = {"marker": str(tmp_path / "marker"), "fatal": -1}
    with (
        mincer.Local(workers=2) as local,
        pytest.raises(MincerError, match="No space left") as caught,
    ):
        job.run(numbers.source(), runner=local, params=params)
    assert "TMPDIR" in str(caught.value)


@pytest.mark.parametrize("room_bytes", [0, 300, 2_000, 20_000])
def test_a_disk_that_is_full_from_the_start(
    numbers, small_disk, monkeypatch, room_bytes
):
    """Whatever is the first that does not fit: the error says so."""
    # Set, since Python would take another folder than a TMPDIR that is full.
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    free = os.statvfs(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - room_bytes))
    job = mincer.Job(numbered, gathered, parts=2)
    try:
        with pytest.raises(MincerError, match="No space left"):
            job.run(numbers.source(), workers=2)
    finally:
        filler.unlink()


def test_a_full_disk_for_the_output_is_told(numbers, small_disk, tmp_path, spill):
    job = mincer.Job(large_and_deadly)
    params = {"marker": str(tmp_path / "marker"), "fatal": -1}
    with pytest.raises(MincerError, match="No space left"):
        job.run(numbers.source(), output=small_disk / "out", workers=2, params=params)
