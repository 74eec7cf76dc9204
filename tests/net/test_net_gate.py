"""The gate: who is not on it does not come in, and who is taken off goes out."""

import os
import resource
from contextlib import contextmanager

import pytest

from mincer.errors import UsageError
from mincer.net.gate import AllowList, Gate, Right
from mincer.net.keys import Keys, make_role_file

KEYS = Keys.of_secret(bytes(32))
OWN = "o" * 40


@pytest.fixture
def gate():
    gate = Gate()
    gate.allow_roles(KEYS)
    return gate


def nobody(key):
    """Nobody can be forgotten."""
    return False


def key_of(role):
    return KEYS.of_role(role).public.decode()


def test_the_keys_of_roles_may_enrol_and_strangers_are_not_known(gate):
    for role in ("worker", "driver", "observer"):
        assert gate.callback("mincer", key_of(role).encode())
        assert gate.right(key_of(role)) == Right(role, may_enrol=20_000)
    assert not gate.callback("mincer", b"s" * 40)
    assert not gate.callback("mincer", b"\xff" * 40)
    assert gate.right("s" * 40) is None
    assert gate.refused == 2


def test_an_enrolled_key_is_what_it_was_enrolled_by_and_may_not_enrol(gate):
    assert gate.enrol(OWN, key_of("worker"), nobody)
    assert gate.right(OWN) == Right("worker", by=key_of("worker"))
    assert gate.callback("mincer", OWN.encode())
    assert not gate.enrol("x" * 40, OWN, nobody)
    assert not gate.enrol("x" * 40, "s" * 40, nobody)


def test_a_key_is_enrolled_twice_alike_and_never_as_something_else(gate):
    assert gate.enrol(OWN, key_of("worker"), nobody)
    assert gate.enrol(OWN, key_of("worker"), nobody)
    assert not gate.enrol(OWN, key_of("driver"), nobody)
    assert gate.right(OWN).role == "worker"
    assert not gate.enrol(key_of("driver"), key_of("worker"), nobody)


def test_a_key_that_is_forbidden_takes_with_it_what_it_enrolled(gate):
    gate.enrol(OWN, key_of("worker"), nobody)
    gone = gate.forbid(key_of("worker"))
    assert sorted(gone) == sorted([OWN, key_of("worker")])
    assert gate.right(OWN) is None
    assert gate.right(key_of("driver")) is not None
    assert gate.forbid(OWN) == []


def names(count, first=0):
    return [f"{n:040}" for n in range(first, first + count)]


def test_where_too_many_are_enrolled_the_oldest_that_is_gone_gives_way(gate):
    gate.allow("w" * 40, Right("worker", may_enrol=3))
    asked = []

    def forget(key):
        asked.append(key)
        return key != names(1)[0]

    for key in names(4):
        assert gate.enrol(key, "w" * 40, forget)
    first, second, *rest = names(4)
    assert asked == [first, second]
    assert gate.right(second) is None
    assert all(gate.right(key) for key in (first, *rest))
    assert not gate.enrol("x" * 40, "w" * 40, nobody)
    assert gate.right("x" * 40) is None
    # Others have room of their own.
    assert gate.enrol("x" * 40, key_of("worker"), nobody)


def test_a_key_that_was_cut_off_makes_room(gate):
    gate.allow("w" * 40, Right("worker", may_enrol=1))
    assert gate.enrol(OWN, "w" * 40, nobody)
    assert gate.forbid(OWN) == [OWN]
    assert gate.enrol("x" * 40, "w" * 40, nobody)
    assert gate.forbid("w" * 40) == ["w" * 40, "x" * 40]


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
    assert gate.right(key) == Right("worker", may_enrol=100)
    assert allowed.wrong == {}


def test_who_is_taken_out_of_the_folder_is_cut_off_with_what_it_enrolled(gate, folder):
    allowed = AllowList(str(folder), gate)
    key, other = make(folder, "w"), make(folder, "d", "driver")
    allowed.look()
    gate.enrol(OWN, key, nobody)
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


def test_a_folder_that_everybody_can_write_to_is_refused(gate, folder):
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="let in whom they like") as told:
        AllowList(str(folder), gate)
    assert told.value.hint == f"chmod o-w {folder}"


def test_a_file_that_everybody_can_write_to_lets_nobody_in(gate, folder):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    (folder / "w.pub").chmod(0o666)
    allowed.look()
    assert gate.right(key) is None
    assert "others than you can write" in allowed.wrong[str(folder / "w.pub")]


def test_a_folder_that_is_gone_allows_nobody(gate, folder):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    allowed.look()
    (folder / "w.pub").unlink()
    folder.rmdir()
    assert allowed.look() == [key]


def test_a_file_that_is_touched_cuts_nobody_off(gate, folder):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    allowed.look()
    gate.enrol(OWN, key, nobody)
    os.utime(folder / "w.pub", ns=(1, 1))
    assert allowed.look() == []
    assert gate.right(OWN) is not None


def test_a_key_that_lies_there_twice_stays_until_both_are_gone(gate, folder):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    (folder / "again.pub").write_bytes((folder / "w.pub").read_bytes())
    allowed.look()
    (folder / "w.pub").unlink()
    assert allowed.look() == []
    (folder / "again.pub").unlink()
    assert allowed.look() == [key]


@pytest.fixture
def no_descriptors():
    """None can be had as long as this is entered."""

    @contextmanager
    def none():
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    return none


def test_who_floods_all_descriptors_cuts_nobody_off(gate, folder, no_descriptors):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    allowed.look()
    with no_descriptors():
        assert allowed.look() == []
    assert gate.right(key) is not None
    assert allowed.look() == []


def test_a_file_that_cannot_be_read_just_now_is_read_later(
    gate, folder, no_descriptors, monkeypatch
):
    allowed = AllowList(str(folder), gate)
    key = make(folder, "w")
    found = allowed._files()
    monkeypatch.setattr(allowed, "_files", lambda: found)
    with no_descriptors():
        assert allowed.look() == []
    assert gate.right(key) is None
    assert allowed.wrong == {}
    assert allowed.look() == []
    assert gate.right(key) is not None
