"""A page of memory that a child shares with its parent: where the child is."""

# Strategy: progress and the record in work are looked at far less often than they
# change, so the child writes them where the parent can look (100 ns) and sends no
# message. What is written there outlives the child: after a death the parent still
# reads which record it was.

from __future__ import annotations

import mmap
from typing import NamedTuple

__all__ = ["Page", "Position"]

_WORDS = 6
_BYTES = _WORDS * 8


class Position(NamedTuple):
    #: The ordinal of the record in work (in a careful attempt), or of the batch's
    #: first; -1 when none is.
    ordinal: int
    #: Bytes of the split that are read, or keys that are reduced.
    done: int
    #: Counts up with every attempt of what was given at once.
    attempt: int
    #: 1 when each record is published before it is worked on.
    careful: int
    #: Counts up with everything that is given to the child at once.
    given: int

    @property
    def record(self) -> int | None:
        """The ordinal of the record in work, when that is known for sure."""
        return self.ordinal if self.careful and self.ordinal >= 0 else None


class Page:
    """One page, in a file that both ends map."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = path
        with open(path, "w+b" if create else "r+b") as file:
            if create:
                file.write(bytes(_BYTES))
                file.flush()
            self._map = mmap.mmap(file.fileno(), _BYTES)
        self._words = memoryview(self._map).cast("q")

    def take(self) -> None:
        """The child has taken what it was given."""
        self._words[2] = 0
        self._words[4] += 1

    def begin(self, *, careful: bool) -> None:
        """A new attempt starts."""
        words = self._words
        words[0], words[1], words[3] = -1, 0, careful
        words[2] += 1

    def publish(self, ordinal: int, done: int) -> None:
        self._words[0] = ordinal
        self._words[1] = done

    def read(self) -> Position:
        return Position(*self._words[:5])

    def recall(self, given: int) -> None:
        """The parent wants back what is not begun of what it gave as number `given`."""
        self._words[5] = given

    @property
    def is_recalled(self) -> bool:
        """True when the parent wants back what the child works on, as far as that is
        not begun."""
        return self._words[5] == self._words[4]

    def close(self) -> None:
        self._words.release()
        self._map.close()
