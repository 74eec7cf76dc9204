"""Being there: enrolled by the role's key, then connected with one's own, and again."""

import time

import pytest
from net_sockets import KEYS, wait

from mincer.net.coordinator import CoordinatorProcess
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import Line, versions
from mincer.net.membership import Membership, Standing
from mincer.wire import frames, pulls


def line(role="worker", python=None):
    mincer, own = versions()
    return Line(
        frames.Hello(frames.PROTOCOL, mincer, python or own, role, "a host"),
        frames.ToWorker,
    )


@pytest.fixture
def join(one):
    made = []

    def join(port, role="worker", keys=KEYS, own=None, server=None, **more):
        membership = Membership(
            one,
            f"tcp://127.0.0.1:{port}",
            keys.of_role(role),
            own or KeyPair.fresh(),
            server or keys.server,
            line(role, **more),
        )
        made.append(membership)
        return membership

    yield join
    for membership in made:
        membership.close()


def turning(membership):
    def turn():
        now = time.monotonic()
        membership.turn(now)
        for message in membership.receive():
            membership.line.hear(message, now)
        membership.line.turn(now)
        for message in membership.line.take_out():
            membership.send(message)

    return turn


def is_joined(membership):
    return lambda: membership.standing is Standing.JOINED


def test_it_joins_with_a_key_of_its_own(coordinator, join):
    membership = join(coordinator.port)
    assert membership.standing is Standing.WAITING
    wait(is_joined(membership), turning(membership))
    (member,) = coordinator.hub.members
    assert member.key == membership._own.public.decode()
    assert membership.line.welcome.member == member.number
    assert membership.why == ""


def test_what_is_pulled_has_a_connection_of_its_own(coordinator, join):
    one, two = join(coordinator.port), join(coordinator.port)
    for membership in (one, two):
        wait(is_joined(membership), turning(membership))
    for membership in (one, two):
        wait(lambda m=membership: m._bulk.is_up, turning(membership))
    to, by = (one.line.welcome.member, two.line.welcome.member)
    head = pulls.Close(to, 99, 5)
    got = []

    def turn():
        two.turn(time.monotonic())
        one.turn(time.monotonic())
        two.send_bulk(pulls.write_pull(head))
        got.extend(one._bulk.receive() or [])

    wait(lambda: got, turn)
    assert pulls.read_pull([got[0]])[0] == pulls.Close(to, by, 5)


def test_who_cannot_pull_yet_does_not_greet(coordinator, join, monkeypatch):
    membership = join(coordinator.port)
    turn = membership._bulk.turn
    monkeypatch.setattr(membership._bulk, "turn", lambda now: None)
    wait(lambda: membership._control.is_up, turning(membership))
    for _ in range(3):
        turning(membership)()
    assert not len(coordinator.hub.members)
    monkeypatch.setattr(membership._bulk, "turn", turn)
    wait(is_joined(membership), turning(membership))


def test_with_another_secret_nobody_joins_and_it_is_said_why(coordinator, join):
    other = join(coordinator.port, keys=Keys.of_secret(bytes(32)))
    wait(lambda: other.standing is Standing.REFUSED, turning(other))
    assert "has not the key of this cluster" in other.why
    assert other.hint.startswith("Give the same password or key file")
    assert len(coordinator.hub.members) == 0


def test_who_was_taken_off_is_refused_and_it_is_said_why(coordinator, join):
    named = Keys(KEYS.server, {"worker": KEYS.named("worker", "w")})
    other = join(coordinator.port, keys=named)
    wait(lambda: other.standing is Standing.REFUSED, turning(other))
    assert "does not know this key" in other.why


def test_another_version_is_refused_and_it_is_said_why(coordinator, join):
    other = join(coordinator.port, python="2.7")
    wait(lambda: other.standing is Standing.REFUSED, turning(other))
    assert "on Python 2.7" in other.why
    assert other.hint.startswith("Install the same mincer and Python")


def test_a_key_that_is_a_driver_already_is_no_worker(coordinator, join):
    own = KeyPair.fresh()
    driver = join(coordinator.port, "driver", own=own)
    wait(is_joined(driver), turning(driver))
    worker = join(coordinator.port, "worker", own=own)
    wait(lambda: worker.standing is Standing.REFUSED, turning(worker))
    assert "does not enrol" in worker.why
    assert worker.hint.startswith("Wait")


def test_where_nobody_is_it_waits_without_turning_all_the_time(join):
    membership = join(1)
    membership.turn(time.monotonic())
    assert membership.standing is Standing.WAITING
    assert membership.deadline() > time.monotonic() + 1.0


def test_a_new_coordinator_is_joined_anew(coordinator, join):
    port = coordinator.port
    membership = join(port)
    wait(is_joined(membership), turning(membership))
    coordinator.close()
    wait(lambda: membership.standing is Standing.WAITING, turning(membership))
    second = CoordinatorProcess(f"tcp://127.0.0.1:{port}", KEYS)
    second.start()
    try:
        wait(lambda: len(second.hub.members) == 1, turning(membership))
    finally:
        second.close()


def standings(membership):
    """How it stands, each time that this has changed; and its turn."""
    seen = [membership.standing]

    def turn():
        turning(membership)()
        if membership.standing is not seen[-1]:
            seen.append(membership.standing)

    return seen, turn


def test_how_it_stands_goes_one_way_each_time(coordinator, join):
    """A user reads these: waiting, joining, joined, and nothing twice."""
    port = coordinator.port
    membership = join(port)
    seen, turn = standings(membership)
    wait(is_joined(membership), turn)
    one_way = [Standing.WAITING, Standing.JOINING, Standing.JOINED]
    assert seen == one_way

    coordinator.close()
    wait(lambda: membership.standing is Standing.WAITING, turn)
    second = CoordinatorProcess(f"tcp://127.0.0.1:{port}", KEYS)
    second.start()
    try:
        wait(is_joined(membership), turn)
        assert seen[-3:] == one_way
        assert Standing.JOINED not in seen[3:-1]
    finally:
        second.close()


def test_a_coordinator_that_says_that_it_ends_is_not_waited_on(coordinator, join):
    membership = join(coordinator.port)
    wait(is_joined(membership), turning(membership))
    membership.line.begin_anew()
    assert membership.standing is Standing.JOINING
    membership.coordinator_ends()
    assert membership.standing is Standing.WAITING
