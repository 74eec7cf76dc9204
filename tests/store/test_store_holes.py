"""Holes in a file: what lay there is gone, what lies beside it is not."""

import os
import sys

import pytest

from mincer.store import holes
from mincer.store.holes import punch_holes

PAGE_BYTES = 1 << 12


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * (64 * PAGE_BYTES))
    return path


def disk_bytes(path):
    return os.stat(path).st_blocks * 512


@pytest.mark.skipif(sys.platform != "linux", reason="only there are there holes")
def test_a_hole_takes_no_disk_and_reads_as_zeros(path):
    before = disk_bytes(path)
    punch_holes(
        str(path), [(PAGE_BYTES, 33 * PAGE_BYTES), (40 * PAGE_BYTES, 41 * PAGE_BYTES)]
    )
    data = path.read_bytes()
    assert len(data) == 64 * PAGE_BYTES
    assert data.count(0) == 33 * PAGE_BYTES
    assert data[:PAGE_BYTES] == b"x" * PAGE_BYTES
    assert data[33 * PAGE_BYTES : 40 * PAGE_BYTES] == b"x" * (7 * PAGE_BYTES)
    assert disk_bytes(path) == before - 33 * PAGE_BYTES


def test_what_shares_a_page_with_others_stays(path):
    punch_holes(str(path), [(100, 200), (PAGE_BYTES - 1, 2 * PAGE_BYTES - 1), (5, 5)])
    assert path.read_bytes() == b"x" * (64 * PAGE_BYTES)


def test_where_it_cannot_be_done_nothing_happens(path, monkeypatch):
    punch_holes(str(path) + "-gone", [(0, PAGE_BYTES)])
    monkeypatch.setattr(holes, "c_function", lambda name, types: None)
    punch_holes(str(path), [(0, PAGE_BYTES)])
    assert path.read_bytes() == b"x" * (64 * PAGE_BYTES)
