"""The coordinator's process: it opens when it is safe, and else it stops."""

import threading

import pytest
import zmq
from net_sockets import KEYS, context, wait
from zmq.auth.thread import ThreadAuthenticator

from mincer.errors import JobError, UsageError
from mincer.net import guard
from mincer.net.coordinator import CoordinatorProcess
from mincer.net.gate import Gate, Right
from mincer.net.keys import (
    KeyPair,
    Keys,
    keys_of_password,
    make_role_file,
    read_key_file,
)
from mincer.net.line import greeting, versions
from mincer.net.membership import ENROL
from mincer.net.sockets import make_dealer
from mincer.wire import frames


@pytest.fixture
def dealer(coordinator):
    with context() as one:
        address = f"tcp://127.0.0.1:{coordinator.port}"
        pair = KEYS.of_role("worker")
        made = make_dealer(one, pair, KEYS.server)
        made.connect(address)
        yield made


def ask(dealer, *message):
    wait(lambda: dealer.poll(0, zmq.POLLOUT))
    dealer.send_multipart(message)


def threads():
    return {one.name for one in threading.enumerate()}


def test_nothing_is_left_of_one_that_was_closed(coordinator):
    before = coordinator.port
    coordinator.close()
    coordinator.close()
    assert coordinator.crash is None
    again = CoordinatorProcess(f"tcp://127.0.0.1:{before}", KEYS)
    again.close()
    assert "mincer-coordinator" not in threads()


def test_one_that_lets_strangers_in_does_not_open(monkeypatch):
    monkeypatch.setattr(Gate, "callback", lambda *_: True)
    with pytest.raises(JobError, match="does not refuse strangers"):
        CoordinatorProcess("tcp://127.0.0.1:*", KEYS)


def test_one_that_answers_nobody_does_not_open(monkeypatch):
    monkeypatch.setattr(guard, "_SELF_TEST_S", 0.3)
    monkeypatch.setattr(ThreadAuthenticator, "handle_zap_message", _silent)
    with pytest.raises(JobError, match="it gave no answer"):
        CoordinatorProcess("tcp://127.0.0.1:*", KEYS)


async def _silent(self, message):
    """A handler that has died in the middle of a question."""


def test_one_whose_guard_dies_stops_and_says_so(coordinator):
    coordinator._guard._authenticator.pipe.send(b"TERMINATE")
    wait(lambda: coordinator.crash)
    assert "the thread that checks keys has died" in str(coordinator.crash)


def test_an_address_that_is_taken_is_told(coordinator):
    with pytest.raises(UsageError, match="cannot listen on"):
        CoordinatorProcess(f"tcp://127.0.0.1:{coordinator.port}", KEYS)


def test_a_key_for_one_role_makes_no_coordinator(tmp_path):
    path, public = str(tmp_path / "w.key"), str(tmp_path / "w.pub")
    make_role_file(path, public, KEYS, "worker", "w")
    with pytest.raises(UsageError, match="this key file is for one role"):
        CoordinatorProcess("tcp://127.0.0.1:*", read_key_file(path))


def test_a_key_of_a_role_may_enrol_and_nothing_else(coordinator, dealer):
    for said in ([b"G{}"], [b"P" + bytes(40)], [b"D"], [ENROL], [ENROL + b"x" * 39]):
        ask(dealer, *said)
    ask(dealer, ENROL + b"o" * 40, b"more")
    ask(dealer, ENROL + b"o" * 40)
    assert wait(lambda: dealer.poll(0) and dealer.recv()) == ENROL + b"ok"
    assert coordinator.hub.dropped == 6
    ask(dealer, ENROL + KEYS.of_role("driver").public)
    assert wait(lambda: dealer.poll(0) and dealer.recv()) == ENROL + b"no"
    (line,) = wait(lambda: coordinator.said)
    assert line.startswith("refused 127.0.0.1: too many are here by its key, or it is")
    assert len(coordinator.hub.members) == 0


def test_an_allowed_key_joins_and_is_cut_off_when_it_is_taken_away(tmp_path):
    folder = tmp_path / "allowed"
    folder.mkdir()
    path, public = str(tmp_path / "w.key"), folder / "w.pub"
    make_role_file(path, str(public), KEYS, "worker", "w")
    own: Keys = read_key_file(path)
    coordinator = CoordinatorProcess("tcp://127.0.0.1:*", KEYS, str(folder))
    coordinator.start()
    pair = own.of_role("worker")
    try:
        wait(lambda: coordinator._gate.right(pair.public.decode()))
        with context() as one:
            address = f"tcp://127.0.0.1:{coordinator.port}"
            dealer = make_dealer(one, pair, own.server)
            dealer.connect(address)
            fresh = KeyPair.fresh().public
            ask(dealer, ENROL + fresh)
            assert wait(lambda: dealer.poll(0) and dealer.recv()) == ENROL + b"ok"
            public.unlink()
            wait(lambda: coordinator._gate.right(fresh.decode()) is None)
            # The connection is there still, and what it says is heard no more.
            ask(dealer, ENROL + KeyPair.fresh().public)
            assert not dealer.poll(300)
    finally:
        coordinator.close()


def test_who_is_refused_is_told_of(coordinator):
    with context() as one:
        dealer = make_dealer(one, KeyPair.fresh(), KEYS.server)
        dealer.connect(f"tcp://127.0.0.1:{coordinator.port}")
        (line,) = wait(lambda: coordinator.said)
    assert line.startswith("refused 127.0.0.1: its key is not known here")


def test_a_file_that_is_no_key_is_told_of_once(tmp_path):
    (tmp_path / "a.pub").write_text("anything")
    said = []
    coordinator = CoordinatorProcess(
        "tcp://127.0.0.1:*", KEYS, str(tmp_path), tell=said.append
    )
    coordinator.start()
    wait(lambda: said)
    (tmp_path / "b.pub").write_text("anything")
    wait(lambda: len(said) == 2)
    coordinator.close()
    assert ["a.pub" in line for line in said] == [True, False]


def test_a_weak_password_is_told_of():
    said = []
    keys = keys_of_password("secret")
    CoordinatorProcess("tcp://127.0.0.1:*", keys, tell=said.append).close()
    (line,) = said
    assert line.startswith("the password is weak")
    said.clear()
    keys = keys_of_password("correct horse battery staple")
    CoordinatorProcess("tcp://127.0.0.1:*", keys, tell=said.append).close()
    assert said == []


def test_a_key_that_left_gives_way_to_others(tmp_path, coordinator, monkeypatch):
    coordinator._gate.allow("w" * 40, Right("worker", may_enrol=1))
    for key in ("x" * 40, "y" * 40):
        coordinator._routes[key, True] = b"route"
        assert coordinator._gate.enrol(key, "w" * 40, coordinator._forget)
    assert list(coordinator._routes) == [("y" * 40, True)]


def test_it_can_serve_in_the_callers_own_thread():
    coordinator = CoordinatorProcess("tcp://127.0.0.1:*", KEYS)
    turns = iter([False, False, True])
    coordinator.serve(until=lambda: next(turns))
    coordinator.close()


def test_who_takes_nothing_in_does_not_keep_it_from_ending(coordinator):
    with context() as one:
        dealer = make_dealer(one, KEYS.of_role("worker"), KEYS.server)
        dealer.connect(f"tcp://127.0.0.1:{coordinator.port}")
        own = KeyPair.fresh()
        ask(dealer, ENROL + own.public)
        wait(lambda: dealer.poll(0))
        member = make_dealer(one, own, KEYS.server)
        member.connect(f"tcp://127.0.0.1:{coordinator.port}")
        hello = frames.Hello(frames.PROTOCOL, *versions(), "worker", "a", slots=1)
        ask(member, *greeting(hello))
        wait(lambda: len(coordinator.hub.members))
        coordinator.close()
        assert coordinator.crash is None
        assert "mincer-coordinator" not in threads()
