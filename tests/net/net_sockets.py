"""Real sockets on loopback: a context, a guarded port, and patience that is bounded."""

import time
from contextlib import contextmanager

import zmq

from mincer.net.gate import Gate
from mincer.net.guard import Guard
from mincer.net.keys import Keys
from mincer.net.sockets import bind_router, port_of, user_of

KEYS = Keys.of_secret(bytes(range(32)))
PATIENCE_S = 20.0


@contextmanager
def context():
    made = zmq.Context()
    try:
        yield made
    finally:
        made.destroy(linger=0)


class Port:
    """A ROUTER behind a gate, that hears what comes."""

    def __init__(self, context, gate=None, address="tcp://127.0.0.1:*"):
        self.gate = gate or Gate()
        if gate is None:
            self.gate.allow_roles(KEYS)
        self.guard = Guard(context, self.gate)
        self.socket, self.endpoint = bind_router(context, address, KEYS.coordinator)

    @property
    def number(self):
        return port_of(self.endpoint)

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.number}"

    def hear(self):
        """Who said what: key, route and frames; None when nothing came."""
        if not self.socket.poll(0):
            return None
        parts = self.socket.recv_multipart(copy=False)
        message = [part.bytes for part in parts]
        return user_of(parts[-1]), message[0], message[1:]

    def close(self):
        self.guard.stop()
        self.socket.close(0)


@contextmanager
def port(context, gate=None):
    made = Port(context, gate)
    try:
        yield made
    finally:
        made.close()


def wait(until, turn=lambda: None, for_s=PATIENCE_S):
    """Turn until something is so; return it. Fails when it takes too long."""
    end = time.monotonic() + for_s
    poller = zmq.Poller()
    while not (found := until()):
        assert time.monotonic() < end, "it never came to that"
        turn()
        poller.poll(5)
    return found
