"""The folder of the output: shared with who finds the driver's token, and may write."""

import os

import pytest

from mincer.net.same_folder import SharedFolder, leave_token
from mincer.wire.frames import JobTold

JOB, TOKEN = "0" * 32, b"t" * 16


def told(output):
    return JobTold(JOB, "a job", 1, [], output=output)


@pytest.fixture
def output(tmp_path):
    return leave_token(str(tmp_path))


def test_who_finds_the_token_shares_the_folder(output, tmp_path):
    folder = SharedFolder(told(output))
    assert folder.is_there
    assert os.listdir(tmp_path) == ["token"]  # the probe is gone
    os.unlink(output[0])
    assert folder.is_there  # it is looked for once


def test_each_token_is_another(tmp_path, output):
    (tmp_path / "other").mkdir()
    assert leave_token(str(tmp_path / "other"))[1] != output[1]
    assert leave_token(str(tmp_path)) is None  # there is one already


def test_no_token_can_be_left_where_nothing_can_be_written(tmp_path):
    assert leave_token(str(tmp_path / "nowhere")) is None


def test_who_finds_none_or_another_does_not_share_it(output, tmp_path):
    path, token = output
    for other in (
        None,
        (path + b"-nowhere", token),
        (path, b"x" * 16),
        (path, token[:-1]),
        (b"a\0b", token),
    ):
        folder = SharedFolder(told(other))
        assert not folder.is_there
        assert not folder.is_lost()
    (tmp_path / "token").write_bytes(token + b"more")
    assert not SharedFolder(told(output)).is_there


def test_a_folder_that_takes_nothing_is_not_shared(output, tmp_path):
    # The system has such folders, in which even an administrator can make nothing.
    with open(output[0], "rb") as file:
        path = f"/proc/self/fd/{file.fileno()}"
        if not os.path.exists(path):
            pytest.skip("there is no such folder here")
        assert not SharedFolder(told((path.encode(), output[1]))).is_there


def test_a_folder_is_lost_when_it_is_not_there_any_more(output, tmp_path):
    folder = SharedFolder(told(output))
    assert not folder.is_lost()  # nobody has asked for it
    assert folder.is_there
    assert not folder.is_lost()
    os.unlink(output[0])
    assert folder.is_lost()
    assert folder.is_lost()  # for all that were writing
    (tmp_path / "token").write_bytes(output[1])
    assert not folder.is_there


def test_what_the_driver_does_not_see_is_given_up(output):
    folder = SharedFolder(told(output))
    folder.give_up()
    assert not folder.is_there
    assert not folder.is_lost()
    folder = SharedFolder(told(output))
    assert folder.is_there
    folder.give_up()
    assert not folder.is_there
