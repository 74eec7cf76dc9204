"""The same file: nothing but what agrees in size, time, head and tail."""

import os

import pytest

from mincer.net.same_file import ONLY_DRIVER, file_told, is_here
from mincer.wire.frames import FileTold

DATA = bytes(range(256)) * 100


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "input"
    path.write_bytes(DATA)
    return path


def told_of(path):
    found = path.stat()
    return file_told(str(path), found.st_size, found.st_mtime_ns)


def test_a_file_is_found_again(path):
    assert is_here(told_of(path))


def test_an_empty_file_is_found_again(path):
    path.write_bytes(b"")
    assert is_here(told_of(path))


def test_a_path_is_told_as_a_whole_one(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    found = path.stat()
    told = file_told(path.name, found.st_size, found.st_mtime_ns)
    assert told.path == os.fsencode(path)
    assert told.name == os.fsencode(path.name)


@pytest.mark.parametrize("at", [0, len(DATA) - 1])
def test_other_bytes_at_the_ends_are_another_file(path, at):
    told = told_of(path)
    changed = bytearray(DATA)
    changed[at] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(told.mtime_ns, told.mtime_ns))
    assert not is_here(told)


def test_another_time_or_size_is_another_file(path):
    told = told_of(path)
    os.utime(path, ns=(told.mtime_ns, told.mtime_ns + 1))
    assert not is_here(told)
    os.utime(path, ns=(told.mtime_ns, told.mtime_ns))
    assert is_here(told)
    path.write_bytes(DATA + b"x")
    os.utime(path, ns=(told.mtime_ns, told.mtime_ns))
    assert not is_here(told)


def test_what_is_gone_or_unreadable_is_not_here(path):
    told = told_of(path)
    path.unlink()
    assert not is_here(told)
    assert file_told(str(path), 1, 1).digest == ONLY_DRIVER
    path.mkdir()
    assert not is_here(told)
    assert not is_here(FileTold(b"a", b"a\0b", 0, 0, b"d" * 16))


def test_what_only_the_driver_has_is_not_here(path):
    found = path.stat()
    path = os.fsencode(path)
    told = FileTold(path, path, found.st_size, found.st_mtime_ns, ONLY_DRIVER)
    assert not is_here(told)
