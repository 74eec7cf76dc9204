"""Parts that an engine has, brought here as they are read, small ones together."""

# Strategy: to ask an engine for something takes it some ten milliseconds, and a result
# has dozens of parts of a few KB. So who reads a part is brought those behind it too,
# as far as they are small together; each is let go of when it is read.

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from mincer.runners.engine.parts import columns_of
from mincer.runners.results import Columns, ReadPart

__all__ = ["Window"]

_WINDOW_BYTES = 32 << 20

#: Brings the data of these parts.
Fetch = Callable[[Sequence[int]], Sequence[bytes]]


class Window:
    """`sizes`: of the parts, in bytes."""

    def __init__(self, sizes: Sequence[int], fetch: Fetch) -> None:
        self._sizes = sizes
        self._fetch = fetch
        self._held: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def reader(self, part: int) -> ReadPart:
        """What reads this part from its start."""

        def read() -> Iterator[Columns]:
            if self._sizes[part]:
                yield from columns_of(self._take(part), part)

        return read

    def _take(self, part: int) -> bytes:
        with self._lock:
            if part not in self._held:
                chosen = self._from(part)
                self._held = dict(zip(chosen, self._fetch(chosen), strict=True))
            return self._held.pop(part)

    def _from(self, part: int) -> list[int]:
        """This part and those behind it that are brought with it."""
        chosen, size_bytes = [part], self._sizes[part]
        for after in range(part + 1, len(self._sizes)):
            size_bytes += self._sizes[after]
            if size_bytes > _WINDOW_BYTES:
                break
            if self._sizes[after]:
                chosen.append(after)
        return chosen
