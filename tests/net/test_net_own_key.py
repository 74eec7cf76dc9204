"""The user's own key file: made once, whole, for nobody else; or why it is not."""

import os
import stat
import threading

import pytest

from mincer.errors import UsageError
from mincer.net.keys import read_key_file
from mincer.net.own_key import own_key_file


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    folder = tmp_path / "made" / "home"
    monkeypatch.setenv("MINCER_HOME", str(folder))
    return folder


def test_it_is_made_once_and_nobody_else_can_read_it(home):
    path = own_key_file()
    keys = read_key_file(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(home).st_mode) == 0o700
    assert own_key_file() == path
    assert read_key_file(path).server == keys.server
    assert os.listdir(home) == [os.path.basename(path)]


def test_of_many_that_make_it_at_once_all_have_the_same(home):
    start = threading.Barrier(8)
    found = []

    def make():
        start.wait()
        found.append(read_key_file(own_key_file()).server)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(os.listdir(home)) == 1


def test_a_folder_that_cannot_be_made_is_told(home):
    home.parent.write_text("a file is in the way")
    with pytest.raises(UsageError, match="cannot make a key file in") as told:
        own_key_file()
    assert "MINCER_HOME" in told.value.hint


def test_one_that_others_can_read_is_refused_where_it_is_read():
    path = own_key_file()
    os.chmod(path, 0o644)
    with pytest.raises(UsageError, match="others than you can read"):
        read_key_file(own_key_file())
