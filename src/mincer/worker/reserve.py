"""Memory that a child keeps from one attempt to the next, or gives back."""

# Strategy: a `mapfn` that cuts a large record into words takes ten times its size, and
# frees it before the next one. Python and its C library give that back at once and ask
# for it again; to be given pages, zeroed, took a fifth of the time of such a job. So
# when an attempt was given much more than it holds, some is kept: one small object
# stays in each arena (a MiB of small objects, which Python gives back when nothing is
# left in it), and the C library is told to keep free memory, too. It is a share of the
# memory limit, which an attempt counts as taken. Under a small limit nothing is kept.
# Before a large record it is taken at once: for what is made of that record, too.
#
# Rejected: to take the reserve at the start (5 % slower where nothing needs it).

from __future__ import annotations

from collections.abc import Callable

from mincer.worker.machine import (
    PAGE_BYTES,
    give_back_memory,
    keep_free_memory,
    pages_given,
)

__all__ = ["Reserve"]

#: So much may stay in this process between two attempts under any limit.
_LEFT_BYTES_MAX = 8 << 20
#: To be given less than this again and again does not take long.
_KEPT_BYTES_MIN = 24 << 20
#: What a large record takes once it is read, as bytes and as text.
_LARGE_BYTES = 12 << 20
#: What is kept: a share of the limit, and not more than this.
_KEPT_SHARE = 1 / 8
_KEPT_BYTES_MAX = 96 << 20

#: With its head of some 40 bytes, about the largest object that lies in an arena.
_OBJECT_BYTES = 512
_CONTENT_BYTES = 464
#: One of so many objects stays: a fourth of what an arena holds.
_PINNED = 512


class Reserve:
    """The free memory of this process; `size`: tells its resident bytes."""

    def __init__(self, size: Callable[[], int]) -> None:
        self._size = size
        self._base_bytes = size()
        self._kept_max = 0
        #: Pages that the system had given when the last attempt was over, and when
        #: this one began, with its code loaded.
        self._pages = self._pages_begun = pages_given()
        #: One object in each arena that is kept.
        self._pins: list[bytes] = []

    def begin(self, limit_bytes: int | None) -> None:
        """An attempt begins, or several short ones; `limit_bytes`: the memory limit of
        this process."""
        share = _KEPT_BYTES_MAX if limit_bytes is None else limit_bytes * _KEPT_SHARE
        self._kept_max = min(_KEPT_BYTES_MAX, int(share))
        self._pages_begun = pages_given()

    def look(self) -> None:
        """Keep memory if that is worth it; called between records, now and then."""
        if not self._may_keep:
            return
        given = (pages_given() - self._pages) * PAGE_BYTES
        if given < _KEPT_BYTES_MIN:
            return
        given_again = given - (self._size() - self._base_bytes)
        if given_again >= _KEPT_BYTES_MIN:
            self._keep(min(given_again, self._kept_max))

    def expect(self) -> None:
        """A record is read, the first of an attempt. What is made of a large one is
        larger by much; to have looked when it is over would be too late for it."""
        if self._may_keep:
            given = (pages_given() - self._pages_begun) * PAGE_BYTES
            if given >= _LARGE_BYTES:
                self._keep(self._kept_max)

    def tidy(self) -> None:
        """Give back what is not kept; called after an attempt, which may have been of
        one record only."""
        self.look()
        left_max = _LEFT_BYTES_MAX
        if self._pins:
            left_max += 2 * self._kept_max
        if self._size() > self._base_bytes + left_max:
            self._pins.clear()
            give_back_memory()
        self._pages = pages_given()

    @property
    def _may_keep(self) -> bool:
        return not self._pins and self._kept_max >= _KEPT_BYTES_MIN

    def _keep(self, size_bytes: int) -> None:
        keep_free_memory(size_bytes)
        count = size_bytes // _OBJECT_BYTES
        self._pins = [bytes(_CONTENT_BYTES) for _ in range(count)][::_PINNED]
