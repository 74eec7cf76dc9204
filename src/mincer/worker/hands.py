"""The attempts in the slots of this machine: given, watched, ended, and told of."""

# Strategy: the same for whoever gives the orders, the local runner in its own process
# or a coordinator somewhere else. An attempt ends with the reply of its child or, where
# the child could not give one since it died or was ended, with the one that it owes.
# So who is told knows nothing of children. What is not wanted any more is not told.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from mincer.core.events import Fault
from mincer.ids import AttemptId
from mincer.limits import MEMORY_OVERSHOOT
from mincer.worker import sudden
from mincer.worker.orders import AttemptsUnbegun, AttemptUnmade, Order, Reply
from mincer.worker.page import Position
from mincer.worker.pool import Child, Died, Pool
from mincer.worker.slots import Slots

__all__ = ["Hands", "Told"]

#: What becomes of attempts.
Told: TypeAlias = Reply | AttemptsUnbegun


class Hands:
    """Runs attempts in `slots` children, one in each.

    One thread owns it; `wake` alone may be called by others. `folder`, `kill_at`: see
    `Pool`.
    """

    def __init__(
        self, slots: int, folder: str, kill_at: dict[int, str] | None = None
    ) -> None:
        self._pool = Pool(slots, folder, kill_at)
        self._slots = Slots(self._pool)
        #: Makes `wait` return.
        self.wake = self._pool.wake
        #: What else makes it return: see `Pool.watch`.
        self.watch, self.unwatch = self._pool.watch, self._pool.unwatch

    @property
    def children(self) -> Sequence[Child]:
        """The child in each slot, for who looks on from outside."""
        return self._pool.children

    @property
    def in_use(self) -> bool:
        """True when anything runs or waits here."""
        return self._slots.in_use

    @property
    def have_queues(self) -> bool:
        """True when a child works on more than one attempt."""
        return self._slots.have_queues

    def add(self, order: Order, after: AttemptId | None, memory_bytes: int) -> None:
        """Take one more attempt: for a slot of its own or for that of `after`, to run
        when that has ended. `memory_bytes`: what its child may take.

        It starts with the next `send`.
        """
        self._slots.add(order, after, memory_bytes)

    def send(self) -> None:
        """Start all that can be started."""
        self._slots.send()

    def recall(self, attempt: AttemptId) -> tuple[AttemptId, ...]:
        """Take back what waits behind this attempt, and tell what it was."""
        return self._slots.recall(attempt)

    def cancel(self, attempt: AttemptId) -> bool:
        """Stop this attempt, of which nothing will be told. False: it had not begun."""
        return self._slots.cancel(attempt) is not None

    def time_out(self, attempt: AttemptId, limit_s: float | None) -> AttemptUnmade:
        """Stop this attempt, whose time is up, and tell where it was."""
        stack = self._slots.stack(attempt)
        died = self._slots.cancel(attempt)
        error = sudden.timed_out(attempt.task, limit_s, stack)
        record = None if died is None else died.position.record
        return AttemptUnmade(attempt, Fault.TIMED_OUT, error, record)

    def wait(self, timeout_s: float | None) -> Iterator[Told]:
        """Wait until something becomes of an attempt, or for `wake`; at most
        `timeout_s`. Raises `WorkerDiedError` when no child can start here."""
        slots = self._slots
        for slot, message in self._pool.wait(timeout_s):
            if isinstance(message, Died):
                unmade = self._of_dead(slot, message)
                if unmade is not None:
                    yield unmade
            elif isinstance(message, AttemptsUnbegun):
                back = tuple(one for one in message.attempts if slots.end(one))
                slots.settle(slot)
                yield AttemptsUnbegun(back)
            else:
                is_wanted = slots.end(message.attempt)
                slots.settle(slot)
                if is_wanted:
                    yield message

    def _of_dead(self, slot: int, died: Died) -> AttemptUnmade | None:
        """A child ended by itself; another one has its slot already."""
        self._slots.renewed(slot)
        attempt = self._slots.of_dead(slot, died)
        if attempt is None:
            self._slots.send()
            return None
        self._slots.end(attempt)
        error = sudden.died(attempt.task, died.how)
        return AttemptUnmade(attempt, Fault.DIED, error, died.position.record)

    def in_work(self) -> Iterator[tuple[AttemptId, Position]]:
        """Each attempt that runs, and how far it is."""
        for slot, attempt in self._slots.in_work():
            yield attempt, self._pool.children[slot].page.read()

    def sizes(self) -> Iterator[tuple[AttemptId, int, AttemptUnmade | None]]:
        """Each attempt that runs, the memory of its child in bytes and, if that is more
        than it may take, how it was ended for that."""
        for slot, attempt in self._slots.in_work():
            resident = self._pool.resident_bytes(slot)
            limit = self._slots.memory_bytes(slot)
            if resident <= limit * MEMORY_OVERSHOOT:
                yield attempt, resident, None
                continue
            record = self._slots.replace(slot).position.record
            self._slots.end(attempt)
            error = sudden.over_memory(attempt.task, resident, limit)
            fault = Fault.OVER_MEMORY
            yield attempt, resident, AttemptUnmade(attempt, fault, error, record)

    def close(self) -> None:
        """End all children. Harmless when repeated."""
        self._pool.close()
