"""What the system refuses, told with the folder."""

import errno

import pytest

from mincer.errors import OutputError
from mincer.sinks.told import told_about


def test_an_error_names_the_folder():
    with (
        pytest.raises(OutputError, match=r"cannot write to my/out: not today"),
        told_about("my/out"),
    ):
        raise OSError("not today")


def test_a_full_disk_says_what_to_do():
    with pytest.raises(OutputError) as caught, told_about("out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.what == "cannot write to out: No space left on device"
    assert "Make room" in caught.value.hint


def test_what_is_ours_goes_through():
    with pytest.raises(OutputError, match=r"^mine$"), told_about("out"):
        raise OutputError("mine")
