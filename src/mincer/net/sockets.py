"""ZeroMQ sockets with every option that safety and bounded memory need."""

# Strategy: the defaults of libzmq are for a friendly network. Each of these options is
# here since its absence let somebody in, held memory without a bound, or waited for
# ever (docs/protocol.md has the table).

from __future__ import annotations

import zmq

from mincer.errors import NoConnectionError, UsageError
from mincer.net.keys import KeyPair
from mincer.net.settings import Address
from mincer.wire.pulls import MESSAGE_BYTES_MAX

__all__ = [
    "DOMAIN",
    "bind_router",
    "endpoint",
    "for_others",
    "local_address",
    "make_dealer",
    "place_of",
    "port_of",
    "user_of",
]

#: A name that is not empty: with an empty one, libzmq asks nobody and lets all in.
DOMAIN = "mincer"
_HANDSHAKE_MS = 3000
_BACKLOG = 512
#: A connection on which nothing passes is asked now and then if it is there: a firewall
#: may have forgotten it, and one changed byte in the length of a message makes the
#: other end wait for the rest of it for ever. Anything that comes is an answer; so long
#: because a chunk may take that long over a slow link.
_HEARTBEAT_MS, _MISSED_MS = 3000, 16_000
#: Messages that wait in a socket for one peer: their bytes are bounded by what is asked
#: for (pulls) and by what is not acknowledged (lines).
_QUEUED = 1000
#: For an address that means all networks of this machine, one that is on none of them
#: (RFC 5737, RFC 3849): the way to it begins at the address that others see.
_FAR = {"0.0.0.0": "198.51.100.1", "::": "2001:db8::1"}


def _common(socket: zmq.Socket[bytes]) -> None:
    socket.linger = 0
    socket.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    socket.setsockopt(zmq.SNDHWM, _QUEUED)
    socket.setsockopt(zmq.RCVHWM, _QUEUED)
    socket.setsockopt(zmq.IPV6, 1)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _MISSED_MS)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)


def bind_router(
    context: zmq.Context[zmq.Socket[bytes]],
    address: str,
    keys: KeyPair,
    missed_ms: int = _MISSED_MS,
) -> tuple[zmq.Socket[bytes], str]:
    """A ROUTER that others connect to, and the endpoint that it got.

    Only for a context in which somebody answers ZAP: without, it lets nobody in.
    `missed_ms`: a connection from which nothing comes for so long, though asked, ends.
    """
    socket = context.socket(zmq.ROUTER)
    try:
        _common(socket)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, missed_ms)
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, DOMAIN)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.BACKLOG, _BACKLOG)
        socket.bind(address)
    except BaseException:
        socket.close()
        raise
    return socket, socket.getsockopt_string(zmq.LAST_ENDPOINT)


def make_dealer(
    context: zmq.Context[zmq.Socket[bytes]],
    keys: KeyPair,
    server: bytes,
    *,
    ipv6: bool = True,
) -> zmq.Socket[bytes]:
    """A DEALER that proves `keys`, to whoever proves `server`. It is not connected: who
    wants to hear what becomes of that has to listen before. `ipv6`: of a host name,
    the IPv6 address is taken, where it has one; else the IPv4 address."""
    socket = context.socket(zmq.DEALER)
    try:
        _common(socket)
        socket.setsockopt(zmq.IPV6, int(ipv6))
        socket.setsockopt(zmq.CURVE_SERVERKEY, server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        # What is sent while there is no connection is not kept for the next one.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 250)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 5000)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, 5000)
    except BaseException:
        socket.close()
        raise
    return socket


def endpoint(host: str, port: int | str) -> str:
    """The address as ZeroMQ writes it."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def port_of(endpoint: str) -> int:
    """The port of an endpoint, as `bind_router` returns it."""
    return int(endpoint.rpartition(":")[2])


def place_of(endpoint: str) -> str:
    """HOST:PORT of an endpoint, as people write it."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    if host.startswith("[::ffff:") and "." in host:  # IPv4 on a socket for both
        host = host.strip("[]").rpartition(":")[2]
    return f"{host}:{port}"


def user_of(frame: zmq.Frame) -> str:
    """The key that CURVE has proved for who sent this frame; empty: none."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""


def local_address(host: str, port: int) -> str:
    """The address of this machine on the way to that one. Nothing is sent.

    Raises:
        UsageError: there is no such host.
        NoConnectionError: no network leads there, or to who knows names; or not yet.
    """
    import socket

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        if error.errno == socket.EAI_AGAIN:
            raise NoConnectionError(
                f"nobody can be asked just now for the address of {host}: "
                f"{error.strerror}",
                hint="Is the network up? Try again when it is.",
            ) from error
        raise UsageError(
            f"nobody here knows the host {host}: {error.strerror}",
            hint="Is its name right? Its address may be given in place of it.",
        ) from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        try:
            probe.connect(address)
        except OSError as error:
            raise NoConnectionError(
                f"no network of this machine leads to {host}: {error.strerror}",
                hint="Is it up? Try again when it is.",
            ) from error
        name: str = probe.getsockname()[0]
    return name


def for_others(address: Address) -> Address:
    """What to type on another machine to reach who listens at this address."""
    far = _FAR.get(address.host)
    if far is None:
        return address
    try:
        host = local_address(far, address.port)
    except NoConnectionError:  # its networks do not lead there
        import platform

        host = platform.node()
    return Address(host, address.port)
