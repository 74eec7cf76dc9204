"""Functions of the C library: found where there are any, elsewhere missing quietly."""

import ctypes
import os
import sys

import pytest

from mincer.libc import c_function


@pytest.fixture(autouse=True)
def nothing_kept():
    c_function.cache_clear()
    yield
    c_function.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="has no C library of this kind")
def test_a_function_takes_what_its_types_say(tmp_path):
    truncate = c_function("ftruncate", "iq")
    with open(tmp_path / "file", "wb") as file:
        assert truncate(file.fileno(), (1 << 31) + 5) == 0
        assert os.path.getsize(file.name) == (1 << 31) + 5
        with pytest.raises(ctypes.ArgumentError):
            truncate(file.fileno(), "much")
    assert c_function("ftruncate", "iq") is truncate


@pytest.mark.skipif(sys.platform != "linux", reason="others need not have them")
@pytest.mark.parametrize(
    ("name", "types"), [("fallocate", "iiqq"), ("sync_file_range", "iqqI")]
)
def test_those_that_we_use_are_there(name, types):
    assert c_function(name, types) is not None


def test_a_name_that_is_not_there_is_no_error():
    assert c_function("no_such_function", "i") is None


def test_nor_is_a_system_without_such_a_library(monkeypatch):
    def no_library(name):
        raise OSError("there is none")

    monkeypatch.setattr("ctypes.CDLL", no_library)
    assert c_function("ftruncate", "iq") is None
