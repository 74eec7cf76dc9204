"""How much of its memory a process may fill with pairs, and a guard over it."""

# Strategy: the limit is for the process as a whole, interpreter and the user's imports
# included, so the room is what is left of it now, less what blocks and buffers need. It
# is filled to 60 %: a dict that resizes holds its old and its new table at once. Where
# a table spills is a matter of counts (weigher.py); the resident size is looked at now
# and then as a guard only, since it does not come down after a spill.

from __future__ import annotations

import gc
from collections.abc import Callable

from mincer.errors import OverMemoryError
from mincer.limits import BUFFER_BYTES, ROOM_BYTES_MIN

__all__ = ["Budget"]

_FILL = 0.6
#: Below the limit by this much, the guard asks for a spill.
_GUARD_BYTES = 10 << 20
#: It asks again only when the process has grown by this much more.
_GUARD_STEP_BYTES = 4 << 20


class Budget:
    """The memory of one attempt.

    `memory_bytes`: the limit of this process; None is no limit. `rss_bytes`: tells
    the resident size of this process, 0 where it cannot be known.
    """

    def __init__(
        self, memory_bytes: int | None, rss_bytes: Callable[[], int] = int
    ) -> None:
        self._rss_bytes = rss_bytes
        self._guard_at: float = float("inf")
        if memory_bytes is None:
            self.room_bytes = float("inf")
            return
        used = rss_bytes()
        free = memory_bytes - used - BUFFER_BYTES
        if free < ROOM_BYTES_MIN:
            gc.collect()
            raise OverMemoryError(
                f"the memory limit of {memory_bytes / 1e6:.0f} MB leaves no room for "
                f"data: your imports use {used / 1e6:.0f} MB already",
                hint=f"Give it more: memory="
                f'"{(used + BUFFER_BYTES + ROOM_BYTES_MIN) / 1e6 + 1:.0f}MB".',
            )
        self.room_bytes = free * _FILL
        self._guard_at = max(memory_bytes - _GUARD_BYTES, used + _GUARD_BYTES)

    def tight(self) -> bool:
        """True when the process has grown so near its limit that a spill is due now."""
        if self._guard_at == float("inf"):
            return False
        if self._rss_bytes() < self._guard_at:
            return False
        gc.collect()  # the users' cycles: the collector is off while pairs are mapped
        rss = self._rss_bytes()
        if rss < self._guard_at:
            return False
        self._guard_at = rss + _GUARD_STEP_BYTES
        return True
