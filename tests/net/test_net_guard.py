"""The guard: it asks the gate, and where it is not, nobody comes in."""

import pytest
from net_sockets import KEYS, port, wait

from mincer.errors import JobError
from mincer.net.gate import Gate
from mincer.net.guard import Guard, prove_guarded
from mincer.net.keys import KeyPair
from mincer.net.sockets import make_dealer


def test_a_guard_stops(one):
    gate = Gate()
    gate.allow_roles(KEYS)
    guard = Guard(one, gate)
    assert guard.is_alive
    guard.stop()
    guard.stop()
    assert not guard.is_alive


def test_one_that_has_died_can_be_stopped(one):
    guard = Guard(one, Gate())
    guard._authenticator.pipe.send(b"TERMINATE")
    wait(lambda: not guard.is_alive)
    guard.stop()
    guard.stop()


def test_it_is_known_where_those_come_from_who_are_refused(one, a_port):
    assert a_port.guard.take_refused() == []
    dealer = make_dealer(one, KeyPair.fresh(), KEYS.server)
    dealer.connect(a_port.address)
    assert wait(a_port.guard.take_refused) == ["127.0.0.1"]
    assert a_port.guard.take_refused() == []
    dealer.close()


def test_a_port_that_refuses_strangers_is_proved_to(one, a_port):
    prove_guarded(one, a_port.endpoint, KEYS.server)
    anywhere = f"tcp://0.0.0.0:{a_port.number}"
    prove_guarded(one, anywhere, KEYS.server)


def test_a_port_that_lets_strangers_in_is_found_out(one, monkeypatch):
    monkeypatch.setattr(Gate, "callback", lambda *_: True)
    with (
        port(one) as open_to_all,
        pytest.raises(JobError, match="it let one in"),
    ):
        prove_guarded(one, open_to_all.endpoint, KEYS.server)
