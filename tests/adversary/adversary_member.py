"""A member that has a valid key and says what it likes, over real connections."""

import contextlib
import time

import zmq

from mincer.net.keys import KeyPair, read_key_file
from mincer.net.line import Line, versions
from mincer.net.membership import Membership, Standing
from mincer.wire import frames, pulls
from mincer.wire.packets import kind_of

PATIENCE_S = 30.0
HEARD = {"worker": frames.ToWorker, "driver": frames.ToDriver}


class Member:
    """Connects with the key of `role`, and greets as `claims` (by default that)."""

    def __init__(self, cluster, key_file, role, claims=None, name="member", **hello):
        keys = read_key_file(str(key_file))
        self._context = zmq.Context()
        self.own = KeyPair.fresh()
        greeting = frames.Hello(
            frames.PROTOCOL, *versions(), claims or role, name, **hello
        )
        self.line = Line(greeting, HEARD.get(claims or role, frames.ToDriver))
        self.membership = Membership(
            self._context,
            f"tcp://{cluster.address}",
            keys.of_role(role),
            self.own,
            keys.server,
            self.line,
        )
        #: Frames of the line, and heads of pulls that came over the coordinator.
        self.told = []
        self.pulled = []

    @property
    def number(self):
        return self.line.welcome.member

    def turn(self):
        """Hear and say what there is."""
        now = time.monotonic()
        self.membership.turn(now)
        for message in self.membership.receive():
            if kind_of(message) == b"D":
                read = pulls.read_pull(message)
                self.pulled.append(read and read[0])
                continue
            frame = self.line.hear(message, now)
            if isinstance(frame, frames.Stranger):
                self.line.begin_anew()
            elif frame is not None:
                self.told.append(frame)
        self.line.turn(now)
        for message in self.line.take_out():
            self.membership.send(message)

    def until(self, true, for_s=PATIENCE_S):
        """Turn until something is so; return it."""
        end = time.monotonic() + for_s
        poller = zmq.Poller()
        while not (found := true()):
            assert time.monotonic() < end, "it never came to that"
            self.turn()
            poller.poll(5)
        return found

    def turn_for(self, seconds):
        """Turn for a while: nothing is expected to happen."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def join(self):
        self.until(lambda: self.membership.standing is Standing.JOINED)
        self.until(lambda: self.membership._bulk.is_up)
        return self

    def heard(self, kind):
        """The first frame of this kind that it was told; None: none yet."""
        return next((one for one in self.told if isinstance(one, kind)), None)

    def raw(self, *message, bulk=False):
        """Say these bytes as they are."""
        way = self.membership.send_bulk if bulk else self.membership.send
        self.until(lambda: way(list(message)))

    def close(self):
        self.membership.close()
        with contextlib.suppress(zmq.ZMQError):
            self._context.destroy(linger=0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
