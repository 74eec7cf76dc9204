"""A driver's connection to its coordinator, in a thread beside the user's own."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from collections import deque
from collections.abc import Callable

import zmq

from mincer.ids import JobId
from mincer.net.driver import Asker, Driver
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import versions
from mincer.net.membership import Membership, Standing
from mincer.net.peers import Peers
from mincer.net.sockets import endpoint
from mincer.net.worker import host_word
from mincer.wire import frames

__all__ = ["Client"]

_IDLE_S = 0.5
_GOODBYE_S = 2.0


class Client:
    """Jobs of this process at one coordinator. Its methods may be called from any
    thread."""

    def __init__(self, host: str, port: int, keys: Keys) -> None:
        #: The coordinator's address, for people.
        self.where = f"{host}:{port}"
        own = KeyPair.fresh()
        hello = frames.Hello(
            frames.PROTOCOL,
            *versions(),
            "driver",
            f"{platform.node()[:100]}-{os.getpid()}",
            host=host_word(),
        )
        self._driver = Driver(hello)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._peers = Peers(self._context, own)
        self._membership = Membership(
            self._context,
            endpoint(host, port),
            keys.of_role("driver"),
            own,
            keys.server,
            self._driver.line,
        )
        self._requests: deque[Callable[[], None]] = deque()
        self._closing_at: float | None = None
        self._lock = threading.Lock()
        self._bell = self._context.socket(zmq.PAIR)
        self._bell.bind("inproc://bell")
        self._ringer = self._context.socket(zmq.PAIR)
        self._ringer.connect("inproc://bell")
        #: Why it has stopped, if it was not asked to.
        self.crash: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name="mincer-driver", daemon=True
        )
        self._thread.start()

    @property
    def standing(self) -> Standing:
        return self._membership.standing

    @property
    def why(self) -> str:
        """Why this process is not let in."""
        return self._membership.why

    @property
    def hint(self) -> str:
        """What to do about that."""
        return self._membership.hint

    @property
    def was_there(self) -> bool:
        """True when a coordinator has let this process in, now or before."""
        line = self._driver.line
        return line.welcome is not None or line.life > 0

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def submit(self, frame: frames.Submit, asker: Asker) -> None:
        self._ask(lambda: self._driver.submit(frame, asker))

    def fetch(self, job: JobId, asker: Asker) -> None:
        """Come for the result of a job that its driver has left."""
        self._ask(lambda: self._driver.fetch(job, asker))

    def say(self, frame: frames.FromDriver) -> None:
        self._ask(lambda: self._driver.say(frame))

    def leave(self, job: JobId) -> None:
        """Nothing more is wanted of this job."""
        self._ask(lambda: self._driver.leave(job))

    def close(self) -> None:
        """End the connection, when all that was said has been heard, or soon after."""
        self._closing_at = time.monotonic() + _GOODBYE_S
        self._ring()
        self._thread.join()

    def _ask(self, request: Callable[[], None]) -> None:
        self._requests.append(request)
        self._ring()

    def _ring(self) -> None:
        with self._lock, contextlib.suppress(zmq.ZMQError):
            self._ringer.send(b"", zmq.DONTWAIT)

    # --- the thread

    def _run(self) -> None:
        try:
            while not self._is_done():
                self._communicate()
                self._wait()
        except BaseException as error:
            self.crash = error
        finally:
            self._driver.gone("the connection was closed")
            self._membership.close()
            self._peers.close()
            with self._lock:
                self._context.destroy(linger=0)

    def _is_done(self) -> bool:
        if self._closing_at is None or self._requests:
            return False
        if not self.was_there or self.standing is Standing.REFUSED:
            return True  # nobody hears it
        return self._driver.line.is_clear or time.monotonic() >= self._closing_at

    def _communicate(self) -> None:
        """Hear all that has come and send all that is to be sent."""
        driver = self._driver
        is_news = True
        while is_news:
            is_news = False
            now = time.monotonic()
            while self._requests:
                self._requests.popleft()()
            self._membership.turn(now)
            for message in self._membership.receive():
                is_news = True
                driver.hear(message, now)
            for head, data in self._peers.replies():
                is_news = True
                driver.pulled(head, data, now)
            self._peers.keep_only(set(driver.reach.peers))
            driver.ways_changed(*self._peers.turn(now), now)
            driver.turn(now)
            for way, out in driver.take_out():
                if way == 0:
                    self._membership.send(out)
                elif way is None:
                    self._membership.send_bulk(out)
                else:
                    self._peers.send(driver.reach.peers[way], out, now)

    def _wait(self) -> None:
        poller = zmq.Poller()
        for socket in (self._bell, *self._membership.sockets, *self._peers.sockets):
            poller.register(socket, zmq.POLLIN)
        due = min(
            self._membership.deadline(), self._peers.deadline(), self._driver.deadline()
        )
        wait_s = max(0.0, min(_IDLE_S, due - time.monotonic()))
        poller.poll(int(wait_s * 1000) + (wait_s > 0))
        while self._bell.poll(0):
            self._bell.recv()
