"""A visit over real sockets: asked, answered, refused, and nothing is left of it."""

import getpass
import platform

import pytest
from net_sockets import KEYS, wait

from mincer.errors import NoConnectionError, RefusedError, UsageError
from mincer.net import visit as module
from mincer.net.client import Client
from mincer.net.keys import Keys, make_role_file, read_key_file
from mincer.net.settings import Address
from mincer.net.visit import Visit
from mincer.wire import frames

TOKEN = b"t" * 16
STEP = frames.StepTold(frames.Blob(b"d" * 32, 1), 1, True, False, False)


class Asker:
    token = TOKEN

    def __init__(self):
        self.heard = []

    def told(self, frame):
        self.heard.append(frame)

    def gone(self, why):
        self.heard.append(why)


@pytest.fixture
def address(coordinator):
    return Address("127.0.0.1", coordinator.port)


@pytest.fixture
def submit(coordinator):
    """Hands over a job of this id; returns its driver's ear."""
    client = Client("127.0.0.1", coordinator.port, KEYS)

    def submit(job):
        asker = Asker()
        client.submit(frames.Submit(job, TOKEN, "a job", [STEP]), asker)
        wait(lambda: job in coordinator.hub.books)
        return asker

    yield submit
    client.close()


@pytest.fixture
def visit(address):
    with Visit(address, KEYS) as made:
        yield made


def test_an_observer_is_told_how_it_is(coordinator, address, visit, submit):
    submit("0" * 32)
    told = visit.status()
    assert told.address == str(address)
    assert told.coordinator == visit._visitor.line.welcome.coordinator
    assert (told.workers, told.drivers, told.jobs["waiting for input"]) == (0, 1, 1)
    assert visit.workers() == []
    assert 0 <= told.up_s < 60


def test_a_stranger_who_was_refused_is_counted(coordinator, address, visit):
    before = visit.status().refused
    wrong = Keys(KEYS.server, Keys.of_secret(bytes(32)).roles)
    with Visit(address, wrong) as stranger, pytest.raises(RefusedError):
        stranger.status()
    assert visit.status().refused > before


def test_long_lists_come_whole(visit, submit, monkeypatch):
    monkeypatch.setattr("mincer.net.desk.PAGE_ROWS_MAX", 2)
    for number in range(5):
        submit(f"{number:032x}")
    assert [row.number for row in visit.jobs()] == [5, 4, 3, 2, 1]
    assert len(visit.jobs("0" * 31)) == 5


def test_workers_come_whole(visit, coordinator, monkeypatch):
    monkeypatch.setattr("mincer.net.desk.PAGE_ROWS_MAX", 2)
    members = coordinator.hub.members
    for number in range(5):
        hello = frames.Hello(frames.PROTOCOL, *members._versions, "worker", "w")
        members.greet(f"{number:040}", "worker", hello, 1e12)
    assert [row.name for row in visit.workers()] == ["w", "w-2", "w-3", "w-4", "w-5"]


def test_a_job_is_found_by_how_its_id_begins(visit, submit):
    for job in ("ab" + "0" * 30, "ac" + "0" * 30):
        submit(job)
    assert visit.job("AB").job == "ab" + "0" * 30
    with pytest.raises(UsageError, match="2 jobs begin with a") as caught:
        visit.job("a")
    assert "ab0" in caught.value.hint
    for prefix in ("ff", "", "wordcount", "a" * 33, "a b"):
        with pytest.raises(UsageError, match="knows no job"):
            visit.job(prefix)


def test_who_may_cancel_does_and_the_driver_is_told_who(address, submit):
    asker = submit("a" * 32)
    with Visit(address, KEYS, may_cancel=True) as visit:
        row = visit.cancel("a" * 32)
        assert row.state == "cancelled"
        assert row.reason.startswith(f"{getpass.getuser()}@{platform.node()}")
        assert visit.cancel("b" * 32) is None
    (failed,) = wait(
        lambda: [one for one in asker.heard if isinstance(one, frames.JobFailed)]
    )
    assert failed.reason == row.reason


def test_a_user_without_a_name_is_somebody(monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert module._own_name().startswith("somebody@")


def test_a_key_of_a_driver_may_look_too_and_one_of_an_observer_not_cancel(
    tmp_path, address, coordinator
):
    keys = {}
    for role in ("driver", "observer"):
        path = str(tmp_path / f"{role}.key")
        public = str(tmp_path / f"{role}.pub")
        make_role_file(path, public, KEYS, role, role)
        keys[role] = read_key_file(path)
        coordinator._gate.allow_roles(keys[role])
        with Visit(address, keys[role]) as visit:
            assert visit.status().workers == 0
    with pytest.raises(UsageError, match="not for the role driver"):
        Visit(address, keys["observer"], may_cancel=True)


def test_where_nobody_is_that_is_said(monkeypatch):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 0.3)
    with (
        Visit(Address("127.0.0.1", 1), KEYS) as visit,
        pytest.raises(NoConnectionError, match="no coordinator answers at 127"),
    ):
        visit.status()


def test_with_another_secret_it_is_refused(address):
    with (
        Visit(address, Keys.of_secret(bytes(32))) as visit,
        pytest.raises(RefusedError, match="has not the key of this cluster"),
    ):
        visit.status()


def test_a_coordinator_that_falls_silent_is_not_waited_for(
    coordinator, visit, monkeypatch
):
    monkeypatch.setattr(module, "_ANSWER_S_MAX", 0.3)
    visit.status()
    coordinator.close()
    with pytest.raises(NoConnectionError, match="has gone silent"):
        visit.status()


def test_visits_leave_nothing_at_the_coordinator(coordinator, address):
    gate, hub = coordinator._gate, coordinator.hub
    before = len(gate._rights)
    for _ in range(3):
        with Visit(address, KEYS) as visit:
            visit.status()
        visit.close()
    wait(lambda: len(gate._rights) == before)
    assert len(hub.members) == 0
    assert not hub.members._known
    assert not any(key for key, _ in coordinator._routes if not gate.right(key))
