"""The guard: it asks the gate, and where it is not, nobody comes in."""

from net_sockets import KEYS, wait

from mincer.net.gate import Gate
from mincer.net.guard import Guard


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
