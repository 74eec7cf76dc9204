"""The line of a worker or driver to its coordinator: greeted, kept, begun anew."""

# Strategy: over whatever connections there are. It greets until it is welcomed, tells
# with each beat what it has, and on a new connection greets again: either the
# coordinator knows this life still, and all that was lost meanwhile is sent again, or
# it says that it does not, and the next life begins.

from __future__ import annotations

from typing import Any

import msgspec

from mincer.wire import frames
from mincer.wire.packets import (
    GREETING,
    PACKET,
    Message,
    kind_of,
    read_packet,
    write_packet,
)
from mincer.wire.session import Session

__all__ = ["Line", "greeting", "versions"]

#: How often it is greeted until there is a welcome.
_GREET_S = 1.0


def greeting(frame: frames.Greeting) -> Message:
    """A greeting as a message."""
    return [GREETING + frames.encode(frame)]


def versions() -> tuple[str, str]:
    """What all members must have alike: mincer's version, and Python's."""
    import sys

    from mincer import __version__

    return __version__, f"{sys.version_info.major}.{sys.version_info.minor}"


class Line:
    """One process's line. `hello`: what it says of itself; `said`: the union of frames
    that the coordinator may say."""

    def __init__(self, hello: frames.Hello, said: Any) -> None:
        self.hello = hello
        self.welcome: frames.Welcome | None = None
        #: Why the coordinator will not have this process.
        self.refused: frames.Refused | None = None
        #: When the coordinator was heard last.
        self.heard = 0.0
        self._session = Session()
        self._greeted = self._beaten = -1e9
        self._greetings = frames.Decoder(frames.Greeting)
        self._said = frames.Decoder(said)
        self._out: list[Message] = []
        #: The coordinator has answered on this connection.
        self.is_greeted = False

    @property
    def life(self) -> int:
        return self.hello.incarnation

    def is_lost(self, now: float) -> bool:
        """True when the coordinator was not heard of for as long as it would wait
        itself: it has given up this life, or is gone."""
        welcome = self.welcome
        return welcome is not None and now - self.heard > welcome.lease_s

    @property
    def is_clear(self) -> bool:
        """True when the coordinator has all that was said to it."""
        return self._session.is_clear

    def hear(self, message: Message, now: float) -> Any:
        """Take in a greeting or a packet; return a frame that is news, or the
        `Stranger` or `Closed` that ends this life, or None."""
        kind = kind_of(message)
        if kind == GREETING and len(message) == 1:
            return self._greeted_by(self._greetings.decode(message[0][1:]), now)
        if kind != PACKET or self.welcome is None:
            return None
        read = read_packet(message)
        if read is None or read[0] != self.life:
            return None
        self.heard = now
        came = self._session.take(read[1])
        self._out += [write_packet(self.life, answer) for answer in came.answers]
        return None if came.payload is None else self._said.decode(came.payload)

    def _greeted_by(
        self, frame: frames.Greeting | None, now: float
    ) -> frames.Stranger | frames.Closed | None:
        self.heard = now
        match frame:
            case frames.Welcome(incarnation=life) if life == self.life:
                self.is_greeted = True
                if self.welcome is None:
                    self.welcome = frame
                    # What was said before is not refused any more.
                    for packet in self._session.again():
                        self._out.append(write_packet(life, packet))
                elif self.welcome != frame:
                    return frames.Stranger(life)  # it is not the one that it was
            case frames.Refused():
                self.refused = frame
            case frames.Stranger(incarnation=life) if life == self.life:
                return frame
            case frames.Closed(coordinator=word) if self.welcome is not None:
                # One that was there before says nothing of this one.
                return frame if word == self.welcome.coordinator else None
        return None

    def say(self, frame: Any) -> None:
        """Say this, in order with all that was said before, when there is a way."""
        packet = self._session.send(frames.encode(frame))
        if self.welcome is not None:
            self._out.append(write_packet(self.life, packet))

    def connected(self) -> None:
        """There is a new connection: tell who this is, and what is missing."""
        self._greeted = self._beaten = -1e9
        self.is_greeted = False

    def turn(self, now: float) -> None:
        """Greet, or send a beat, when that is due."""
        is_new = self._greeted < 0
        is_late = self.welcome is None and now - self._greeted >= _GREET_S
        if self.refused is None and (is_new or is_late):
            self._greeted = now
            self._out.append(greeting(self.hello))
        if self.welcome is not None and now - self._beaten >= self.welcome.beat_s:
            self._beaten = now
            self._out.append(write_packet(self.life, self._session.beat()))

    def deadline(self) -> float:
        """When `turn` is due."""
        if self.welcome is None:
            return self._greeted + _GREET_S
        return self._beaten + self.welcome.beat_s

    def begin_anew(self) -> None:
        """The next life: nothing of this one is said any more."""
        self._out.clear()
        self._session = Session()
        # In this order: another thread may look if there was a coordinator at all.
        self.hello = msgspec.structs.replace(self.hello, incarnation=self.life + 1)
        self.welcome = None
        self.connected()

    def take_out(self) -> list[Message]:
        """What is to be sent, in this order."""
        out, self._out = self._out, []
        return out
