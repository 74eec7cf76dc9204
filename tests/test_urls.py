"""Files behind URLs: what is one, and how they are opened, written and removed."""

import os
import sys
from pathlib import Path

import pytest

from mincer.errors import UsageError
from mincer.urls import (
    absolute,
    as_os_error,
    as_path,
    below,
    is_remote,
    local_path,
    open_file,
    remove_file,
    size_of,
    status_of_file,
    status_of_info,
    storage_of,
    write_new,
)
from storages import broken, memory

__all__ = ["broken", "memory"]


def test_what_is_a_url():
    assert is_remote("s3://bucket/key")
    assert is_remote("memory://a")
    assert not is_remote("/a/b://c")
    assert not is_remote("a.txt")
    assert not is_remote("C://a.txt")
    assert not is_remote("file:///a.txt")
    assert local_path("file:///a.txt") == "/a.txt"
    assert local_path("a.txt") == "a.txt"


def test_a_url_that_was_made_a_path_is_refused():
    assert as_path("s3://a/b") == "s3://a/b"
    assert as_path(Path("a")) == "a"
    assert as_path("ab:/c") == "ab:/c"
    with pytest.raises(UsageError) as caught:
        as_path(Path("s3://a/b"))
    assert caught.value.hint == "Give it as text:  's3://a/b'"


def test_a_place_by_its_full_name():
    assert absolute("memory://a/b/") == "memory://a/b"
    assert absolute("memory://") == "memory://"
    assert absolute("a") == os.path.join(os.getcwd(), "a")
    assert absolute("file:///a/../b") == os.path.abspath("/b")
    assert below("memory://a", "b", "c") == "memory://a/b/c"
    assert below("a", "b") == os.path.join("a", "b")


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_file_is_made_read_and_removed(memory, tmp_path, kind):
    path = "memory://in/a" if kind == "memory" else str(tmp_path / "a")
    write_new(path, b"0123456789")
    assert size_of(path) == 10
    with open_file(path) as file:
        assert status_of_file(file).st_size == 10
        assert file.seek(3) == 3
        assert file.read(2) == b"34"
        assert file.tell() == 5
        assert file.read() == b"56789"
    remove_file(path)
    for ask in (open_file, size_of, remove_file):
        with pytest.raises(FileNotFoundError):
            ask(path)


def test_a_file_on_a_disk_is_not_replaced(tmp_path):
    write_new(str(tmp_path / "a"), b"1")
    with pytest.raises(FileExistsError):
        write_new(str(tmp_path / "a"), b"2")


def test_another_version_has_another_number():
    info = {"size": 3, "ETag": "x", "LastModified": 5}
    assert status_of_info(info) == status_of_info({**info, "name": "y"})
    assert status_of_info(info) != status_of_info({**info, "ETag": "z"})
    assert status_of_info(info).st_size == 3


def test_what_a_storage_raises_is_an_os_error(broken):
    with pytest.raises(OSError, match="no credentials"):
        open_file("broken://gone")
    with open_file("broken://a") as file:
        assert file.seek(0) == 0
        with pytest.raises(OSError, match="RuntimeError: the connection was reset"):
            file.seek(5)
        with pytest.raises(OSError, match="reset"):
            file.read(1)
    with pytest.raises(FileNotFoundError), as_os_error():
        raise FileNotFoundError
    with pytest.raises(UsageError), as_os_error():
        raise UsageError("kept")


def test_what_is_missing_is_told(monkeypatch):
    with pytest.raises(UsageError, match="nothing://x cannot be opened"):
        storage_of("nothing://x")
    with pytest.raises(UsageError, match=r"cannot be opened.*[Ii]nstall") as caught:
        storage_of("adl://x")  # fsspec knows of it; its package is not here
    assert "here and on the workers" in caught.value.hint
    # These connect at once, or want to be told more.
    with pytest.raises(UsageError, match=r"ftp://127.0.0.1:1/x cannot be opened"):
        storage_of("ftp://127.0.0.1:1/x")
    with pytest.raises(UsageError, match=r"zip://a.csv cannot be opened"):
        storage_of("zip://a.csv")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError) as caught:
        storage_of("s3://bucket/key")
    assert caught.value.hint == 'pip install "mincer[remote]"'
