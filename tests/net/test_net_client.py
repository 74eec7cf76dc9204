"""A driver's connection: in a thread of its own, ended when it is closed."""

import threading

import pytest
from net_sockets import KEYS, wait

from mincer.net.client import Client
from mincer.net.keys import Keys
from mincer.net.membership import Standing
from mincer.wire import frames

JOB, TOKEN = "0" * 32, b"t" * 16
STEP = frames.StepTold(frames.Blob(b"d" * 32, 1), 1, True, False, False)
SUBMIT = frames.Submit(JOB, TOKEN, "a job", [STEP])


class Asker:
    token = TOKEN

    def __init__(self):
        self.heard = []

    def told(self, frame):
        self.heard.append(frame)

    def gone(self, why):
        self.heard.append(why)


@pytest.fixture
def client(coordinator):
    made = Client("127.0.0.1", coordinator.port, KEYS)
    yield made
    made.close()


def test_a_job_is_handed_over_followed_and_left(coordinator, client):
    asker = Asker()
    client.submit(SUBMIT, asker)  # before there is a connection
    wait(lambda: JOB in coordinator.hub.books)
    assert client.standing is Standing.JOINED
    assert client.was_there
    wait(lambda: any(isinstance(one, frames.ProgressTold) for one in asker.heard))
    client.say(frames.CancelJob(JOB, "not any more"))
    wait(lambda: any(isinstance(one, frames.JobFailed) for one in asker.heard))
    client.leave(JOB)
    wait(lambda: JOB not in coordinator.hub.books)


def test_what_was_said_last_is_heard_before_the_end(coordinator):
    client = Client("127.0.0.1", coordinator.port, KEYS)
    client.submit(SUBMIT, Asker())
    wait(lambda: JOB in coordinator.hub.books)
    client.leave(JOB)
    client.close()
    assert client.is_over
    assert client.crash is None
    wait(lambda: JOB not in coordinator.hub.books)
    assert not any(one.name == "mincer-driver" for one in threading.enumerate())


def test_who_closes_without_a_word_has_its_jobs_cancelled(coordinator):
    client = Client("127.0.0.1", coordinator.port, KEYS)
    asker = Asker()
    client.submit(SUBMIT, asker)
    wait(lambda: JOB in coordinator.hub.books)
    client.close()
    assert asker.heard[-1] == "the connection was closed"
    wait(lambda: JOB not in coordinator.hub.books)


def test_of_one_that_has_left_the_coordinator_keeps_no_key(coordinator, client):
    wait(lambda: client.was_there)
    gate = coordinator._gate
    before = len(gate._rights)
    client.close()
    wait(lambda: len(gate._rights) == before - 1)
    assert not coordinator._routes
    assert not coordinator.hub.members._known


def test_why_it_is_refused_is_known(coordinator):
    client = Client("127.0.0.1", coordinator.port, Keys.of_secret(bytes(32)))
    wait(lambda: client.standing is Standing.REFUSED)
    assert "has not the key of this cluster" in client.why
    assert not client.was_there
    client.close()


def test_a_coordinator_that_has_gone_was_there(coordinator, client):
    """Or a job that it has lost would end as one that nobody was there for."""
    asker = Asker()
    client.submit(SUBMIT, asker)
    wait(lambda: JOB in coordinator.hub.books)
    coordinator.close()
    wait(lambda: isinstance(asker.heard[-1], str))
    assert client.was_there
