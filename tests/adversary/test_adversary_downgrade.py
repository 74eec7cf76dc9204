"""Row 16: who asks to speak without encryption, or in an older protocol that knows
none, is hung up on; and nobody talks a worker into it."""

import pytest
import zmq
from adversary_lines import (
    SAID_FIRST,
    SIGNATURE,
    TRIES_MAX,
    Listener,
    command,
    greeting,
)
from adversary_scene import dial, is_closed, wait

#: What a peer says first that speaks ZMTP 3 with this mechanism, and its next command.
NULL = greeting(b"NULL") + command(b"READY", b"\x0bSocket-Type\0\0\0\x06DEALER")
PLAIN = greeting(b"PLAIN") + command(b"HELLO", b"\x05admin\x05admin")
HELLO = b"G\x81\xa2is\xa5hello"


def message(data):
    return bytes([0, len(data)]) + data


@pytest.mark.parametrize(
    "said",
    [
        NULL + message(HELLO),
        PLAIN + command(b"INITIATE") + message(HELLO),
        greeting(b"GSSAPI") + message(HELLO),
        greeting(b"") + message(HELLO),
        greeting(b"curve") + message(HELLO),
        greeting(b"CURVE", as_server=1) + message(HELLO),
        # It says that it encrypts, and goes on as if it had been let in.
        greeting(b"CURVE") + command(b"READY") + message(HELLO),
        greeting(b"CURVE") + message(HELLO),
        # ZMTP 2.0 and 1.0 have no mechanisms: a signature, a socket type, an identity.
        SIGNATURE + b"\x01\x05" + b"\x00\x00" + message(HELLO),
        SIGNATURE + b"\x00\x05" + b"\x00\x00" + message(HELLO),
        b"\x01\x00" + b"\x0f\x00" + HELLO,
        # A version that is yet to come, without a mechanism.
        greeting(b"NULL", version=b"\x09\x09") + message(HELLO),
    ],
    ids=[
        *("NULL", "PLAIN", "GSSAPI", "no mechanism", "another spelling", "a server"),
        *("ready at once", "a message at once", "ZMTP 2.0", "ZMTP 2.0 of old"),
        *("ZMTP 1.0", "ZMTP 9.9"),
    ],
)
def test_the_coordinator_hangs_up_on_who_speaks_in_the_open(cluster, said):
    line = dial(cluster.port, said)
    assert is_closed(line)
    line.close()


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN", "PLAIN server"])
def test_a_socket_of_zeromq_without_curve_is_not_let_in(cluster, mechanism):
    before = len(cluster.coordinator.lines)
    context = zmq.Context()
    try:
        socket = context.socket(zmq.DEALER)
        socket.linger = 0
        if mechanism == "PLAIN":
            socket.plain_username, socket.plain_password = b"admin", b"admin"
        elif mechanism == "PLAIN server":
            socket.plain_server = True
        monitor = socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | zmq.EVENT_HANDSHAKE_SUCCEEDED
        )
        socket.connect(f"tcp://{cluster.address}")
        socket.send_multipart([HELLO])
        wait(lambda: monitor.poll(0))
        event = int.from_bytes(monitor.recv_multipart()[0][:2], "little")
        assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED
        assert not socket.poll(0)
        socket.disable_monitor()
        monitor.close(0)
        socket.close(0)
    finally:
        context.destroy(0)
    cluster.coordinator.until("refused", after=before)


@pytest.mark.parametrize("offered", [NULL, PLAIN, SIGNATURE + b"\x01\x05\x00\x00"])
def test_a_worker_that_is_offered_to_speak_in_the_open_does_not(cluster, offered):
    said = bytearray()

    def answer(line):
        line.sendall(offered)
        while data := line.recv(65536):
            said.extend(data)

    with Listener(answer) as fake:
        worker = cluster.start("worker", fake.address, "--key-file", cluster.key)
        assert worker.exit_code() == 4
    assert "has not the key of this cluster" in "\n".join(worker.lines)
    assert len(said) <= TRIES_MAX * SAID_FIRST, "more than it may say to anybody"
