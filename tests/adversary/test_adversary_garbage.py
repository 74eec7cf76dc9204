"""Row 17: bytes that are no ZeroMQ end their connection, and what is announced is not
waited for with memory."""

import contextlib
import os
import random
import struct

import pytest
from adversary_lines import SIGNATURE, announced, command, greeting
from adversary_scene import dial, is_closed, resident_bytes, wait

GROWTH_BYTES_MAX = 50_000_000
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(200))
HTTP = b"GET /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: A fetch of a web page to this port, with a body that begins like ZeroMQ.
CROSS_SITE = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 64\r\n\r\n"
    + greeting(b"NULL")
)
RAY = b'{"entrypoint": "id", "runtime_env": {}}'
SPARK = struct.pack(">QBI", 13, 9, 4) + b"auth"
CHANCE = random.Random(17)


@pytest.fixture
def coordinator(cluster):
    return cluster.coordinator


@pytest.mark.parametrize(
    "said",
    [HTTP, HTTP_2, CROSS_SITE, TLS, RAY, SPARK, b"\n", bytes(64), b"\xff" * 64]
    + [CHANCE.randbytes(CHANCE.choice([1, 9, 64, 300, 5000])) for _ in range(6)]
    + [SIGNATURE + CHANCE.randbytes(200), greeting(b"CURVE") + CHANCE.randbytes(300)],
    ids=[
        *("HTTP", "HTTP 2", "cross-site", "TLS", "JSON", "Spark", "newline", "zeros"),
        *("ones", *(f"random {n}" for n in range(6)), "signature", "greeting"),
    ],
)
def test_garbage_is_hung_up_on(cluster, said):
    line = dial(cluster.port, said)
    assert is_closed(line)
    line.close()


def test_who_came_with_garbage_is_told_of(cluster, coordinator):
    before = len(coordinator.lines)
    line = dial(cluster.port, HTTP)
    assert is_closed(line)
    line.close()
    coordinator.until("refused", after=before)


@pytest.mark.parametrize("size", [(1 << 20) + 4097, 1 << 32, (1 << 64) - 1])
@pytest.mark.parametrize("flags", [0x06, 0x02], ids=hex)
def test_a_frame_of_4_gib_is_hung_up_on_and_no_memory_is_taken(
    cluster, coordinator, size, flags
):
    before = resident_bytes(coordinator.pid)
    said = greeting(b"CURVE") + announced(size, flags) + b"\x05HELLO" + os.urandom(9000)
    lines = [dial(cluster.port, said) for _ in range(20)]
    for line in lines:
        assert is_closed(line)
        line.close()
    assert resident_bytes(coordinator.pid) - before < GROWTH_BYTES_MAX


def test_commands_of_a_megabyte_from_everybody_do_not_fill_the_memory(
    cluster, coordinator
):
    """As large as a message may be, none whole: two hundred of them at a time."""
    before = resident_bytes(coordinator.pid)
    said = greeting(b"CURVE") + announced((1 << 20) - 1) + b"\x05HELLO"
    lines = [dial(cluster.port, said) for _ in range(200)]
    peak = 0
    for line in lines:
        line.settimeout(30)
        with contextlib.suppress(OSError):
            line.sendall(bytes(1 << 20))
        peak = max(peak, resident_bytes(coordinator.pid))
    for line in lines:
        assert is_closed(line)
        line.close()
    # What was taken is given back.
    wait(lambda: resident_bytes(coordinator.pid) - before < GROWTH_BYTES_MAX)
    assert peak - before < 200 << 20


def test_a_handshake_in_pieces_is_cut_off_in_time(cluster):
    """A byte at a time for ever: it has three seconds, as all have."""
    line = dial(cluster.port)
    said = greeting(b"CURVE") + command(b"HELLO", bytes(194))
    line.settimeout(0.1)
    is_over = False
    for byte in said * 100:
        try:
            line.send(bytes([byte]))
            is_over = line.recv(100) == b""
        except TimeoutError:
            continue
        except OSError:
            is_over = True
        if is_over:
            break
    assert is_over
    line.close()
