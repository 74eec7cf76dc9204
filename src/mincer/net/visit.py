"""A visit to a coordinator: enrol, ask, be answered, leave; in the caller's thread."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import time
from types import TracebackType
from typing import Self, TypeVar

import zmq

from mincer.errors import NoConnectionError, RefusedError, UsageError
from mincer.ids import JobId
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import versions
from mincer.net.membership import Membership, Standing
from mincer.net.settings import Address
from mincer.net.sockets import endpoint
from mincer.net.visitor import Visitor
from mincer.wire import frames
from mincer.wire.frames import (
    CancelAsked,
    CancelTold,
    JobRow,
    JobsAsked,
    JobsTold,
    StatusAsked,
    StatusTold,
    WorkerRow,
    WorkersAsked,
    WorkersTold,
)

__all__ = ["Visit"]

#: A coordinator that is there lets in at once: who asks wants to know if it is there.
_CONNECT_S_MAX = 5.0
#: One that has let us in may be busy with a large job.
_ANSWER_S_MAX = 15.0
_LOOK_S = 0.5
#: What ids of jobs are made of, and how long they are.
_HEX, _ID_CHARS = "0123456789abcdef", 32

_Told = TypeVar("_Told", StatusTold, JobsTold, WorkersTold, CancelTold)


class Visit:
    """One visit, until `close()` or the end of a `with`. Not thread-safe.

    `may_cancel`: come as a driver, and not as somebody who only looks. Every question
    raises `NoConnectionError` when nobody answers, and `RefusedError` when the
    coordinator does not let this process in.
    """

    def __init__(self, address: Address, keys: Keys, may_cancel: bool = False) -> None:
        self._where = str(address)
        role = "observer" if "observer" in keys.roles and not may_cancel else "driver"
        pair = keys.of_role(role)
        self._visitor = Visitor(
            frames.Hello(frames.PROTOCOL, *versions(), role, _own_name())
        )
        self._began = time.monotonic()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._membership = Membership(
            self._context,
            endpoint(*address),
            pair,
            KeyPair.fresh(),
            keys.server,
            self._visitor.line,
        )

    # --- questions

    def status(self) -> StatusTold:
        """How the coordinator is."""
        return self._ask(StatusAsked(0), StatusTold)

    def jobs(self, prefix: str = "") -> list[JobRow]:
        """All jobs that it knows, the last first; those whose ids begin so."""
        rows: list[JobRow] = []
        before = None
        while True:
            told = self._ask(JobsAsked(0, prefix, before), JobsTold)
            rows += told.rows
            if not (told.has_more and told.rows):
                return rows
            before = told.rows[-1].number

    def job(self, prefix: str) -> JobRow:
        """The one job whose id begins so.

        Raises:
            UsageError: there is none, or more than one.
        """
        word = prefix.lower()
        is_id = 0 < len(word) <= _ID_CHARS and not word.strip(_HEX)
        found = self.jobs(word) if is_id else []
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{len(found)} jobs begin with {prefix}",
                hint="Type more of it: " + ", ".join(one.job for one in found[:3]),
            )
        raise UsageError(
            f"the coordinator at {self._where} knows no job that begins with {prefix}",
            hint="mincer jobs  lists all that it knows.",
        )

    def workers(self) -> list[WorkerRow]:
        """All workers that are here, in the order in which they came."""
        rows: list[WorkerRow] = []
        while True:
            after = rows[-1].number if rows else 0
            told = self._ask(WorkersAsked(0, after), WorkersTold)
            rows += told.rows
            if not (told.has_more and told.rows):
                return rows

    def cancel(self, job: JobId) -> JobRow | None:
        """Have the job cancelled; return what has become of it: it may have been over
        before. None: the coordinator does not know it."""
        return self._ask(CancelAsked(0, job), CancelTold).row

    def _ask(self, question: frames.Question, kind: type[_Told]) -> _Told:
        number = self._visitor.ask(question)
        asked = time.monotonic()
        while (answer := self._turn(number)) is None:
            self._check(asked)
            self._wait()
        assert isinstance(answer, kind)
        return answer

    # --- the connection

    def _turn(self, number: int) -> frames.Answer | None:
        """Hear all that has come and send all that is to be sent."""
        now = time.monotonic()
        self._membership.turn(now)
        for message in self._membership.receive():
            self._visitor.hear(message, now)
        self._visitor.turn(now)
        for _, message in self._visitor.take_out():
            self._membership.send(message)
        return self._visitor.answers.pop(number, None)

    def _check(self, asked: float) -> None:
        """Raise when no answer will come."""
        now = time.monotonic()
        if self._membership.standing is Standing.REFUSED:
            raise RefusedError(
                f"refused by the coordinator at {self._where}: {self._membership.why}",
                hint=self._membership.hint,
            )
        was_there = self._visitor.line.welcome is not None
        if not was_there and now - self._began > _CONNECT_S_MAX:
            raise NoConnectionError(
                f"no coordinator answers at {self._where}",
                hint="Start one there (mincer serve ADDRESS), or give another address.",
            )
        if now - asked > _ANSWER_S_MAX:
            raise NoConnectionError(f"the coordinator at {self._where} has gone silent")

    def _wait(self) -> None:
        poller = zmq.Poller()
        for socket in self._membership.sockets:
            poller.register(socket, zmq.POLLIN)
        due = min(self._membership.deadline(), self._visitor.deadline())
        wait_s = max(0.0, min(_LOOK_S, due - time.monotonic()))
        poller.poll(int(wait_s * 1000) + (wait_s > 0))

    # --- ends

    def close(self) -> None:
        """Leave. Harmless when repeated."""
        if not self._context.closed:
            self._membership.close()
            self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _own_name() -> str:
    """What others are told of who cancels their jobs."""
    user = "somebody"
    with contextlib.suppress(OSError, KeyError):  # a user without a name
        user = getpass.getuser()
    return f"{user[:60]}@{platform.node()[:100]}-{os.getpid()}"
