"""Whether anybody answers at the address of an engine."""

import socket

import pytest

from mincer.errors import NoConnectionError
from mincer.runners.engine.reach import check_reachable


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dead(port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    return number


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:{port}",
        "spark://127.0.0.1:{port}",
        "spark://127.0.0.1:{dead},127.0.0.1:{port}",
        "local[2]",
        "yarn",
        "auto",
        "k8s://https://127.0.0.1:{port}",
    ],
)
def test_where_somebody_answers_or_the_engine_knows(address, port, dead):
    check_reachable(address.format(port=port, dead=dead), "cluster", "begin one")


@pytest.mark.parametrize("address", ["127.0.0.1:{dead}", "tcp://127.0.0.1:{dead}"])
def test_where_nobody_does(address, dead):
    with pytest.raises(NoConnectionError, match="no cluster answers at") as it:
        check_reachable(address.format(dead=dead), "cluster", "begin one")
    assert it.value.hint == "begin one"
