"""Who only asks a coordinator, without its sockets: questions out, answers in."""

# Strategy: a question is said like anything else on a line, so it arrives once however
# bad the network is. A coordinator that is new is asked again: no question does harm
# when it comes twice.

from __future__ import annotations

import msgspec

from mincer.net.line import Line
from mincer.net.reach import Outgoing
from mincer.wire import frames
from mincer.wire.packets import Message

__all__ = ["Visitor"]


class Visitor:
    """One process that asks. One thread owns it. `hello`: what it says of itself."""

    def __init__(self, hello: frames.Hello) -> None:
        self.line = Line(hello, frames.Answer)
        #: By the number of the question; whoever asked takes them away.
        self.answers: dict[int, frames.Answer] = {}
        self._open: dict[int, frames.Question] = {}
        self._last = 0

    def ask(self, question: frames.Question) -> int:
        """Ask this, whatever its number was; return the one that it has now."""
        self._last += 1
        asked = msgspec.structs.replace(question, ask=self._last)
        self._open[self._last] = asked
        self.line.say(asked)
        return self._last

    def hear(self, message: Message, now: float) -> None:
        """Take in a message of the coordinator."""
        frame = self.line.hear(message, now)
        if isinstance(frame, frames.Stranger):
            self.line.begin_anew()
            for question in self._open.values():
                self.line.say(question)
        elif frame is not None and self._open.pop(frame.ask, None) is not None:
            self.answers[frame.ask] = frame

    def turn(self, now: float) -> None:
        """Do what is due."""
        self.line.turn(now)

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        return self.line.deadline()

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        return [(0, message) for message in self.line.take_out()]
