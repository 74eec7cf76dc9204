"""The gate: who is not on it does not come in, and who is taken off goes out."""

import os

import pytest

from mincer.net.gate import AllowList, Gate, Right
from mincer.net.keys import Keys, make_role_file

KEYS = Keys.of_secret(bytes(32))
OWN = "o" * 40


@pytest.fixture
def gate():
    gate = Gate()
    gate.allow_roles(KEYS)
    return gate


def key_of(role):
    return KEYS.of_role(role).public.decode()


def test_the_keys_of_roles_may_enrol_and_strangers_are_not_known(gate):
    for role in ("worker", "driver", "observer"):
        assert gate.callback("mincer", key_of(role).encode())
        assert gate.right(key_of(role)) == Right(role, may_enrol=True)
    assert not gate.callback("mincer", b"s" * 40)
    assert not gate.callback("mincer", b"\xff" * 40)
    assert gate.right("s" * 40) is None
    assert gate.refused == 2


def test_an_enrolled_key_is_what_it_was_enrolled_by_and_may_not_enrol(gate):
    assert gate.enrol(OWN, key_of("worker"))
    assert gate.right(OWN) == Right("worker", by=key_of("worker"))
    assert gate.callback("mincer", OWN.encode())
    assert not gate.enrol("x" * 40, OWN)
    assert not gate.enrol("x" * 40, "s" * 40)


def test_a_key_is_enrolled_twice_alike_and_never_as_something_else(gate):
    assert gate.enrol(OWN, key_of("worker"))
    assert gate.enrol(OWN, key_of("worker"))
    assert not gate.enrol(OWN, key_of("driver"))
    assert gate.right(OWN).role == "worker"
    assert not gate.enrol(key_of("driver"), key_of("worker"))


def test_a_key_that_is_forbidden_takes_with_it_what_it_enrolled(gate):
    gate.enrol(OWN, key_of("worker"))
    gone = gate.forbid(key_of("worker"))
    assert sorted(gone) == sorted([OWN, key_of("worker")])
    assert gate.right(OWN) is None
    assert gate.right(key_of("driver")) is not None
    assert gate.forbid(OWN) == []


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "allowed").mkdir()
    return tmp_path / "allowed"


def make(folder, name, role="worker"):
    private = folder.parent / f"{name}.key"
    make_role_file(str(private), str(folder / f"{name}.pub"), KEYS, role, name)
    return KEYS.named(role, name).public.decode()


def test_a_folder_lets_in_those_whose_keys_lie_in_it(gate, folder):
    allowed = AllowList(str(folder), gate)
    assert allowed.look() == []
    key = make(folder, "w")
    (folder / "README").write_text("not a key")
    assert gate.right(key) is None
    assert allowed.look() == []
    assert gate.right(key) == Right("worker", may_enrol=True)
    assert allowed.wrong == {}


def test_who_is_taken_out_of_the_folder_is_cut_off_with_what_it_enrolled(gate, folder):
    allowed = AllowList(str(folder), gate)
    key, other = make(folder, "w"), make(folder, "d", "driver")
    allowed.look()
    gate.enrol(OWN, key)
    (folder / "w.pub").unlink()
    assert sorted(allowed.look()) == sorted([key, OWN])
    assert gate.right(OWN) is None
    assert gate.right(other) is not None
    assert allowed.look() == []


def test_a_file_that_is_replaced_lets_in_the_new_key_alone(gate, folder):
    allowed = AllowList(str(folder), gate)
    old = make(folder, "w")
    allowed.look()
    new = make(folder, "other")
    os.replace(folder / "other.pub", folder / "w.pub")
    assert allowed.look() == [old]
    assert gate.right(old) is None
    assert gate.right(new) is not None


def test_a_file_that_is_no_key_is_told_and_lets_nobody_in(gate, folder):
    (folder / "w.pub").write_text("anything")
    allowed = AllowList(str(folder), gate)
    assert allowed.look() == []
    assert "is not a key file" in allowed.wrong[str(folder / "w.pub")]
    (folder / "w.pub").unlink()
    allowed.look()
    assert allowed.wrong == {}


def test_a_folder_that_is_gone_allows_nobody(gate, folder):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    allowed.look()
    (folder / "w.pub").unlink()
    folder.rmdir()
    assert allowed.look() == [key]
