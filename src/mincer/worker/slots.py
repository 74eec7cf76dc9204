"""What was given to the child of each slot, and which of it is in work."""

# Strategy: the coordinator may give a slot several small attempts, one after the other.
# They go to the child in one message, and the child answers each as soon as it is done.
# When it dies, what is not answered goes to the next child as if that were the first
# time: nobody has heard of a try whose answer was lost.
#
# A child must get nothing before it has answered everything (child.py). What is added
# to the queue of its slot meanwhile lies here, ready to be given to it then. An attempt
# that is not wanted any more and waits behind others is left to run, or to be given
# back; until then its slot stays in use, even if the coordinator has something new.

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mincer.ids import AttemptId
from mincer.limits import BUFFER_BYTES, ROOM_BYTES_MIN
from mincer.worker.orders import Order
from mincer.worker.pool import Died, Pool

__all__ = ["Slots"]


class Slots:
    """The slots of `pool` that are in use, and who waits for one.

    `memory_bytes`: the limit of a child, given with each order.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle = deque(range(len(pool.children)))
        #: What is to be done in each slot in use, in this order: what its child was
        #: given, and what comes after that.
        self._orders: dict[int, dict[AttemptId, Order]] = {}
        self._later: dict[int, dict[AttemptId, Order]] = {}
        self._slot_of: dict[AttemptId, int] = {}
        #: What waits for a slot, with the memory that its child may take.
        self._waiting: deque[tuple[dict[AttemptId, Order], int]] = deque()
        #: Slots in use with a new child, which was given nothing yet.
        self._new: dict[int, int] = {}
        self._memory_bytes: dict[int, int] = {}
        #: The digest of the user's modules that each child has loaded.
        self._loaded: dict[int, str] = {}
        #: Slots whose child has run something.
        self._used: set[int] = set()

    @property
    def in_use(self) -> bool:
        return bool(self._orders)

    @property
    def have_queues(self) -> bool:
        """True when a child works on more than one attempt."""
        return any(len(orders) > 1 for orders in self._orders.values())

    def in_work(self) -> Iterator[tuple[int, AttemptId]]:
        """Each slot in use, and the attempt that it is at."""
        for slot, orders in list(self._orders.items()):
            attempt = self.at(slot)
            if attempt in orders:
                yield slot, attempt

    def memory_bytes(self, slot: int) -> int:
        """What the child of this slot, which is in use, may take."""
        return self._memory_bytes[slot]

    def at(self, slot: int) -> AttemptId | None:
        """The attempt that the child of this slot is at."""
        return self._of_child(slot, self._pool.children[slot].attempt_in_work())

    def of_dead(self, slot: int, died: Died) -> AttemptId | None:
        """The attempt that the child of this slot died of, if it is wanted."""
        if not died.was_up:
            return None
        attempt = self._of_child(slot, died.attempt)
        return attempt if attempt in self._slot_of else None

    def _of_child(self, slot: int, attempt: AttemptId | None) -> AttemptId | None:
        # One that was given something and has not begun will begin with the first.
        return attempt or next(iter(self._orders.get(slot, ())), None)

    def stack(self, attempt: AttemptId) -> str:
        """Where the code of this attempt is, if it is in work and can tell."""
        slot = self._slot_of.get(attempt)
        if slot is None or self.at(slot) != attempt:
            return ""
        return self._pool.children[slot].stack()

    def add(self, order: Order, after: AttemptId | None, memory_bytes: int) -> None:
        """One more attempt, in a slot of its own or in that of `after`, as the last."""
        if after is not None:
            slot = self._slot_of.get(after)
            if slot is not None:
                self._later.setdefault(slot, {})[order.attempt] = order
                self._slot_of[order.attempt] = slot
                return
            for orders, _ in reversed(self._waiting):
                if after in orders:
                    orders[order.attempt] = order
                    return
            # It has ended meanwhile, and with it the slot is free, or soon will be.
        self._waiting.append(({order.attempt: order}, memory_bytes))

    def send(self) -> None:
        """Give to the children all that can be given now."""
        while self._new:
            slot, memory_bytes = self._new.popitem()
            self._give(slot, memory_bytes)
        while self._idle and self._waiting:
            orders, memory_bytes = self._waiting.popleft()
            if orders:
                slot = self._idle.popleft()
                self._orders[slot] = orders
                self._slot_of.update(dict.fromkeys(orders, slot))
                self._give(slot, memory_bytes)

    def _give(self, slot: int, memory_bytes: int) -> None:
        orders = self._orders[slot]
        if not orders:
            self.settle(slot)
            return
        modules = next(iter(orders.values())).files.modules
        if modules is not None:
            if self._loaded.get(slot, modules.digest) != modules.digest:
                # It has imported other modules under the same names.
                self._renew(slot)
            self._loaded[slot] = modules.digest
        if slot in self._used and not self._has_room(slot, memory_bytes):
            # Python gives back late or never what earlier attempts have taken.
            self._renew(slot)
        self._used.add(slot)
        self._memory_bytes[slot] = memory_bytes
        self._pool.send(slot, *orders.values())

    def _has_room(self, slot: int, memory_bytes: int) -> bool:
        """As an attempt asks at its start (see `mincer.flow.budget`)."""
        taken = self._pool.resident_bytes(slot) + BUFFER_BYTES
        return memory_bytes - taken >= ROOM_BYTES_MIN

    def end(self, attempt: AttemptId) -> bool:
        """This attempt is over, or not wanted any more; false: not in a slot."""
        slot = self._slot_of.pop(attempt, None)
        if slot is not None:
            if self._orders[slot].pop(attempt, None) is None:
                del self._later[slot][attempt]
            return True
        for orders, _ in self._waiting:
            orders.pop(attempt, None)
        return False

    def settle(self, slot: int) -> None:
        """Go on in this slot when all is answered that its child was given: with what
        came later, or it is free."""
        orders = self._orders.get(slot)
        if orders or orders is None or slot in self._new:
            return
        child = self._pool.children[slot]
        if child.is_idle:
            self._orders[slot] = self._later.pop(slot, {})
            if self._orders[slot]:
                self._give(slot, self._memory_bytes[slot])
            else:
                del self._orders[slot]
                self._idle.append(slot)
        else:  # with what nobody wants
            child.recall()

    def recall(self, attempt: AttemptId) -> tuple[AttemptId, ...]:
        """Take back what waits behind this attempt, and tell what it was."""
        slot = self._slot_of.get(attempt)
        if slot is None:
            return ()
        unbegun = self._pool.children[slot].recall()
        back = tuple(one for one in unbegun if one in self._orders[slot])
        back += tuple(self._later.get(slot, ()))
        for one in back:
            self.end(one)
        return back

    def cancel(self, attempt: AttemptId) -> Died | None:
        """Stop this attempt. If it is in work, its child is ended: return how."""
        slot = self._slot_of.get(attempt)
        died = None
        if slot is not None and slot not in self._new and self.at(slot) == attempt:
            died = self.replace(slot)
        self.end(attempt)
        if slot is not None:
            self.settle(slot)
        return died

    def replace(self, slot: int) -> Died:
        """End the child of a slot; what it has not answered goes to the next."""
        died = self._renew(slot)
        self.renewed(slot)
        return died

    def _renew(self, slot: int) -> Died:
        self._loaded.pop(slot, None)
        self._used.discard(slot)
        return self._pool.replace(slot)

    def renewed(self, slot: int) -> None:
        """A new child has this slot."""
        self._loaded.pop(slot, None)
        self._used.discard(slot)
        if slot in self._orders:
            self._new[slot] = self._memory_bytes[slot]
