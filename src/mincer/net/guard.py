"""The thread that answers ZeroMQ's question who may connect, by asking a gate."""

from __future__ import annotations

import zmq
from zmq.auth import Authenticator
from zmq.auth.thread import ThreadAuthenticator

from mincer.net.gate import Gate
from mincer.net.sockets import DOMAIN

__all__ = ["Guard"]


class Guard:
    """Guards all ports that are bound in a context, from its making to `stop`. While
    there is none, or it has died, nobody can connect."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate) -> None:
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(DOMAIN, gate)

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
