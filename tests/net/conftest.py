"""What tests of the network share: sockets on loopback, and a cluster in memory."""

import pytest
from net_sockets import KEYS, context, port
from net_world import World

from mincer.net.coordinator import CoordinatorProcess


@pytest.fixture
def one():
    with context() as made:
        yield made


@pytest.fixture
def a_port(one):
    with port(one) as made:
        yield made


@pytest.fixture
def coordinator():
    said = []
    made = CoordinatorProcess("tcp://127.0.0.1:*", KEYS, tell=said.append)
    made.said = said
    made.start()
    yield made
    made.close()


@pytest.fixture
def world():
    return World(7)
