"""The secret of an old script: its password, what was set, or the user's own key."""

import threading

import pytest

from mincer.compat.joining import Secret, join, secret_for
from mincer.errors import UsageError
from mincer.net.keys import make_key_file
from mincer.net.own_key import own_key_file
from mincer.net.settings import Address

HERE, THERE = Address("127.0.0.1", 1), Address("192.0.2.1", 1)


def test_a_password_goes_before_all_else(monkeypatch):
    monkeypatch.setenv("MINCER_PASSWORD", "another")
    for address in (HERE, THERE):
        assert secret_for(address, "a word", "") == Secret("a word")


@pytest.mark.parametrize("name", ["MINCER_PASSWORD", "MINCER_KEY_FILE"])
def test_what_was_set_comes_next(name, monkeypatch):
    monkeypatch.setenv(name, "something")
    for address in (HERE, THERE):
        assert secret_for(address, "", "") == Secret()


def test_on_loopback_it_is_the_users_own_key():
    assert secret_for(HERE, "", "") == Secret(key_file=own_key_file())


def test_beyond_it_there_must_be_one(home):
    with pytest.raises(UsageError, match=r"a stranger at 192\.0\.2\.1:1") as told:
        secret_for(THERE, "", "type this")
    assert told.value.hint == "type this"
    assert not home.exists()


def test_who_joins_has_one_slot_and_leaves_with_the_coordinator(tmp_path):
    before = threading.active_count()
    path = str(tmp_path / "a.key")
    make_key_file(path)
    with join(HERE, Secret(key_file=path)) as worker:
        assert worker._process.node.line.hello.slots == 1
        assert worker._process._once
    assert threading.active_count() == before
