"""The thread that answers ZeroMQ's question who may connect, by asking a gate; and the
proof, before a port is opened to others, that it does."""

from __future__ import annotations

from collections import deque

import zmq
from zmq.auth import Authenticator
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from mincer.errors import JobError
from mincer.net.gate import Gate
from mincer.net.keys import KeyPair
from mincer.net.sockets import DOMAIN, endpoint, make_dealer, port_of

__all__ = ["Guard", "prove_guarded"]

#: Those that nobody asks for are forgotten.
_REFUSED_MAX = 1000
#: How long a stranger's handshake is given, at the start, to be refused.
_SELF_TEST_S = 3.0
#: Addresses that mean all of a machine, and how it reaches itself.
_ANY = {"tcp://0.0.0.0": "127.0.0.1", "tcp://[::]": "::1", "tcp://*": "127.0.0.1"}


class _Answering(ThreadAuthenticator):
    """Asks the gate, and notes where those come from whom it refuses."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate) -> None:
        super().__init__(context)
        self.refused: deque[str] = deque(maxlen=_REFUSED_MAX)
        self._gate = gate
        self._address = ""

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        self._address = b"".join(msg[3:4]).decode("ascii", "replace")
        await super().handle_zap_message(msg)

    def callback(self, domain: str, key: bytes) -> bool:
        """See `Gate`."""
        is_known = self._gate.callback(domain, key)
        if not is_known:
            self.refused.append(self._address.removeprefix("::ffff:"))
        return is_known


class Guard:
    """Guards all ports that are bound in a context, from its making to `stop`. While
    there is none, or it has died, nobody can connect."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate) -> None:
        self._authenticator = _Answering(context, gate)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(DOMAIN, self._authenticator)

    def take_refused(self) -> list[str]:
        """The addresses of those whose keys were not known, since the last call."""
        refused = self._authenticator.refused
        return [refused.popleft() for _ in range(len(refused))]

    @property
    def is_alive(self) -> bool:
        return self._authenticator.is_alive()

    def stop(self) -> None:
        """Harmless when repeated."""
        one = self._authenticator
        if one.is_alive():
            one.stop()
            return
        # Its own `stop` would wait for ever for a thread that died to hear of it.
        if one.pipe is not None:
            one.pipe.close(0)
            one.pipe = None  # type: ignore[assignment]
        Authenticator.stop(one)


def prove_guarded(
    context: zmq.Context[zmq.Socket[bytes]], bound: str, server: bytes
) -> None:
    """Dial the own port with a key that nobody knows.

    Raises:
        JobError: it is not refused.
    """
    host, _, _ = bound.rpartition(":")
    here = _ANY.get(host)
    stranger = make_dealer(context, KeyPair.fresh(), server)
    wanted = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    monitor = stranger.get_monitor_socket(wanted)
    stranger.connect(endpoint(here, port_of(bound)) if here else bound)
    try:
        event = None
        if monitor.poll(int(_SELF_TEST_S * 1000)):
            event = recv_monitor_message(monitor)["event"]
        if event != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            raise JobError(
                "this process does not refuse strangers, and so does not start "
                f"({'it let one in' if event else 'it gave no answer'})"
            )
    finally:
        stranger.disable_monitor()
        monitor.close(0)
        stranger.close(0)
