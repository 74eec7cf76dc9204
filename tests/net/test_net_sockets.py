"""Sockets: guarded, bounded, and refusing whom the gate does not know."""

import socket

import pytest
import zmq
from net_sockets import KEYS, port, wait
from zmq.utils.monitor import recv_monitor_message

from mincer.errors import NoConnectionError
from mincer.net.gate import Gate
from mincer.net.keys import KeyPair
from mincer.net.settings import Address
from mincer.net.sockets import (
    bind_router,
    endpoint,
    for_others,
    local_address,
    make_dealer,
    place_of,
    port_of,
    user_of,
)
from mincer.wire.pulls import CHUNK_BYTES, MESSAGE_BYTES_MAX


def events_of(socket):
    """What became of a connection, the handshake first."""
    wanted = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    )
    return socket.get_monitor_socket(wanted)


def first_event(monitor):
    wait(lambda: monitor.poll(0))
    return recv_monitor_message(monitor)["event"]


@pytest.fixture
def dial(one):
    """Connect with these keys; return the socket, and what became of the handshake."""
    made = []

    def dial(address, keys, server=KEYS.server):
        socket = make_dealer(one, keys, server)
        monitor = events_of(socket)
        made.extend((monitor, socket))
        socket.connect(address)
        return socket, first_event(monitor)

    yield dial
    for one_of_them in made:
        one_of_them.close(0)


def test_who_proves_a_known_key_is_heard_under_that_key(dial, a_port):
    pair = KEYS.of_role("worker")
    socket, event = dial(a_port.address, pair)
    assert event == zmq.EVENT_HANDSHAKE_SUCCEEDED
    socket.send_multipart([b"hello", b"there"])
    key, _, message = wait(a_port.hear)
    assert (key, message) == (pair.public.decode(), [b"hello", b"there"])


def test_a_stranger_is_refused(dial, a_port):
    _, event = dial(a_port.address, KeyPair.fresh())
    assert event == zmq.EVENT_HANDSHAKE_FAILED_AUTH


def test_who_expects_another_server_does_not_connect(dial, a_port):
    _, event = dial(a_port.address, KEYS.of_role("worker"), KeyPair.fresh().public)
    assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED


def test_with_nobody_to_ask_nobody_comes_in(one, dial):
    socket, where = bind_router(one, "tcp://127.0.0.1:*", KEYS.coordinator)
    number = where.rpartition(":")[2]
    _, event = dial(f"tcp://127.0.0.1:{number}", KEYS.of_role("worker"))
    assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert not socket.poll(0)
    socket.close(0)


def test_an_empty_gate_lets_in_nobody(one, dial):
    with port(one, Gate()) as closed:
        _, event = dial(closed.address, KEYS.of_role("worker"))
    assert event == zmq.EVENT_HANDSHAKE_FAILED_AUTH


def test_a_message_that_is_too_long_closes_the_connection(dial, a_port):
    socket, _ = dial(a_port.address, KEYS.of_role("worker"))
    socket.send(bytes(CHUNK_BYTES + 1024))  # what CURVE adds has room, too
    assert len(wait(a_port.hear)[2][0]) == CHUNK_BYTES + 1024
    monitor = socket.get_monitor_socket()
    socket.send(bytes(MESSAGE_BYTES_MAX + 1))
    # It connects again, and nothing has come.
    wait(lambda: monitor.poll(0))
    assert recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert a_port.hear() is None


def test_what_is_sent_to_who_is_not_there_is_told(one, a_port):
    with pytest.raises(zmq.ZMQError) as told:
        a_port.socket.send_multipart([b"nobody", b"hello"], zmq.DONTWAIT)
    assert told.value.errno == zmq.EHOSTUNREACH


def test_an_address_that_is_taken_is_told(one, a_port):
    with pytest.raises(zmq.ZMQError):
        bind_router(one, a_port.address, KEYS.coordinator)


@pytest.mark.parametrize(
    ("host", "port", "written"),
    [("there", 1, "tcp://there:1"), ("::1", "*", "tcp://[::1]:*")],
)
def test_addresses_are_written_as_zeromq_has_them(host, port, written):
    assert endpoint(host, port) == written


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_port_of_an_endpoint_is_found_again(host):
    assert port_of(endpoint(host, 9000)) == 9000


@pytest.mark.parametrize(
    ("endpoint", "written"),
    [
        ("tcp://10.0.0.1:5", "10.0.0.1:5"),
        ("tcp://[::ffff:127.0.0.1]:5", "127.0.0.1:5"),
        ("tcp://[::]:5", "[::]:5"),
        ("tcp://[fe80::1]:5", "[fe80::1]:5"),
    ],
)
def test_a_place_is_written_as_people_do(endpoint, written):
    assert place_of(endpoint) == written


def test_what_came_over_no_connection_is_of_nobody():
    assert user_of(zmq.Frame(b"hello")) == ""


def test_the_way_to_loopback_begins_on_loopback():
    assert local_address("127.0.0.1", 9) == "127.0.0.1"


def test_where_no_network_leads_is_told():
    # To a broadcast address nobody may connect who did not ask for it.
    with pytest.raises(NoConnectionError, match="no network of this machine leads to"):
        local_address("255.255.255.255", 9)


def test_a_name_that_nobody_can_be_asked_for_may_be_known_later(monkeypatch):
    def fails(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(NoConnectionError, match="asked just now for the address of a"):
        local_address("ada.example", 9)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "there.example"])
def test_an_address_of_one_network_is_what_others_type(host):
    assert for_others(Address(host, 9)) == Address(host, 9)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_of_all_networks_others_are_told_one_or_the_name(host):
    told = for_others(Address(host, 9))
    assert told.port == 9
    assert told.host
    assert told.host != host
