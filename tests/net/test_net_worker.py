"""A worker's process: joined over real sockets, with children that run attempts."""

import os
import socket
import tempfile
import threading
import time

import pytest
from net_sockets import KEYS, wait

from mincer.errors import RefusedError, UsageError
from mincer.net.coordinator import CoordinatorProcess
from mincer.net.keys import Keys, make_role_file, read_key_file
from mincer.net.worker import WorkerProcess, _advertised, _listening, host_word

MEMORY = 10**8


class Running:
    """A worker in a thread of this process."""

    def __init__(self, port, keys=KEYS, **more):
        self.said = []
        self.crash = None
        self.worker = WorkerProcess(
            "127.0.0.1", port, keys, 1, MEMORY, tell=self.said.append, **more
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.worker.run()
        except BaseException as error:
            self.crash = error

    @property
    def is_joined(self):
        return bool(self.said) and self.said[-1].startswith("joined")

    def end(self):
        self.worker.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def start():
    made = []

    def start(*what, **more):
        made.append(Running(*what, **more))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_it_joins_with_its_slots_and_its_address(coordinator, start):
    running = start(coordinator.port, name="a host")
    (member,) = wait(lambda: list(coordinator.hub.members))
    assert (member.name, member.slots, member.role) == ("a host", 1, "worker")
    assert member.address == f"tcp://127.0.0.1:{running.worker._door.port}"
    assert member.host == host_word()
    wait(lambda: running.said[-1].startswith("joined"))


def test_nothing_is_left_of_one_that_was_stopped(
    coordinator, start, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    running = start(coordinator.port)
    wait(lambda: len(coordinator.hub.members))
    assert os.listdir(tmp_path)
    running.end()
    assert not os.listdir(tmp_path)
    wait(lambda: not len(coordinator.hub.members))


def test_one_that_is_killed_is_missed_within_a_second(coordinator, start):
    running = start(coordinator.port)
    wait(lambda: len(coordinator.hub.members))
    running.worker.stop()
    began = time.monotonic()
    running.thread.join(20)
    wait(lambda: not len(coordinator.hub.members))
    assert time.monotonic() - began < 10


def test_one_that_drains_says_goodbye_and_ends(coordinator, start):
    running = start(coordinator.port)
    wait(lambda: len(coordinator.hub.members))
    running.worker.drain(20.0)
    running.thread.join(20)
    assert not running.thread.is_alive()
    assert running.crash is None


def test_one_that_drains_does_not_wait_long_for_a_coordinator_that_is_gone(
    coordinator, start
):
    running = start(coordinator.port)
    wait(lambda: len(coordinator.hub.members))
    coordinator.close()
    running.worker.drain(1000.0)
    running.thread.join(20)
    assert not running.thread.is_alive()
    assert running.crash is None


def test_one_that_drains_and_never_joined_ends_soon(start):
    running = start(1)
    wait(lambda: running.said)
    running.worker.drain(1000.0)
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_what_wakes_it_are_descriptors_of_its_own(coordinator):
    """That of a socket may be the pipe of a child before it is looked again."""
    worker = WorkerProcess("127.0.0.1", coordinator.port, KEYS, 1, MEMORY)
    try:
        worker._turn()
        theirs = {int(socket.FD) for socket in worker._watched}
        assert theirs
        assert not theirs & set(worker._watched.values())
    finally:
        worker.close()
    assert not worker._watched


def test_a_second_wish_to_drain_ends_it_at_once(start):
    running = start(1)
    wait(lambda: running.said)
    running.worker.drain(1000.0)
    running.worker.drain(1000.0)
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_one_that_is_refused_says_why(coordinator, start):
    running = start(coordinator.port, Keys.of_secret(bytes(32)))
    running.thread.join(20)
    assert isinstance(running.crash, RefusedError)
    assert running.crash.exit_code == 4


def test_a_port_of_its_own_that_is_taken_is_told(coordinator):
    with pytest.raises(UsageError, match="cannot listen on"):
        WorkerProcess(
            *("127.0.0.1", 1, KEYS, 1, MEMORY), listen=f"127.0.0.1:{coordinator.port}"
        )


@pytest.mark.parametrize(
    ("listen", "endpoint"),
    [
        (None, "tcp://10.0.0.1:*"),
        ("0.0.0.0", "tcp://0.0.0.0:*"),
        ("0.0.0.0:9000", "tcp://0.0.0.0:9000"),
        (":9000-9100", "tcp://10.0.0.1:9000-9100"),
    ],
)
def test_where_it_listens(listen, endpoint):
    assert _listening(listen, "10.0.0.1") == endpoint


@pytest.mark.parametrize(
    ("advertise", "address"),
    [
        (None, "tcp://10.0.0.1:5"),
        ("there", "tcp://there:5"),
        ("there:9000", "tcp://there:9000"),
    ],
)
def test_what_it_advertises(advertise, address):
    assert _advertised(advertise, "10.0.0.1", 5) == address


def test_processes_of_one_machine_share_a_word():
    assert host_word() == host_word() != ""


def test_when_the_coordinator_ends_one_for_once_leaves_and_another_waits(start):
    coordinator = CoordinatorProcess("tcp://127.0.0.1:*", KEYS)
    coordinator.start()
    once = start(coordinator.port, once=True)
    other = start(coordinator.port)
    wait(lambda: len(coordinator.hub.members) == 2)
    wait(lambda: all(one.is_joined for one in (once, other)))
    coordinator.close()
    once.thread.join(20)
    assert not once.thread.is_alive()
    assert once.crash is None
    where = f"127.0.0.1:{coordinator.port}"
    assert once.said[-1] == f"the coordinator at {where} has ended"
    wait(lambda: other.said[-1] == f"waiting for a coordinator at {where}")
    assert once.said[-1] in other.said
    again = CoordinatorProcess(f"tcp://{where}", KEYS)
    again.start()
    wait(lambda: other.is_joined)
    again.close()


def test_one_for_once_leaves_when_its_coordinator_is_gone_without_a_word(
    start, monkeypatch
):
    monkeypatch.setattr("mincer.net.worker.LEASE_S", 0.5)
    monkeypatch.setattr(CoordinatorProcess, "_say_goodbye", lambda self: None)
    coordinator = CoordinatorProcess("tcp://127.0.0.1:*", KEYS)
    coordinator.start()
    once = start(coordinator.port, once=True)
    other = start(coordinator.port)
    wait(lambda: all(one.is_joined for one in (once, other)))
    coordinator.close()
    once.thread.join(20)
    assert not once.thread.is_alive()
    assert once.crash is None
    assert other.thread.is_alive()


def test_one_for_once_waits_for_a_coordinator_that_never_was(start, monkeypatch):
    monkeypatch.setattr("mincer.net.worker.LEASE_S", 0.0)
    running = start(1, once=True)
    wait(lambda: running.said)
    turns = []
    monkeypatch.setattr(
        running.worker.node, "turn", lambda now: turns.append(now), raising=True
    )
    wait(lambda: len(turns) > 2)
    assert running.thread.is_alive()


def test_a_host_that_nobody_knows_is_told(monkeypatch):
    def fails(*_, **__):  # as with a name server; without one, who knows
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(UsageError, match="nobody here knows the host"):
        WorkerProcess("no.such.host.invalid", 1, KEYS, 1, MEMORY)


def test_a_key_of_another_role_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    before = threading.active_count()
    path, public = str(tmp_path / "d.key"), str(tmp_path / "d.pub")
    make_role_file(path, public, KEYS, "driver", "d")
    with pytest.raises(UsageError, match="this key file is for the role driver"):
        WorkerProcess("127.0.0.1", 1, read_key_file(path), 1, MEMORY)
    assert threading.active_count() == before
    assert not os.listdir(tmp_path / "temp")
