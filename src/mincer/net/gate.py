"""Who may connect: the only answer that ZeroMQ's authentication is given."""

# Strategy: fail closed. libzmq lets everybody in when nobody answers its question
# (ZAP), unless it is told to insist; `sockets.py` insists, and the coordinator dials
# itself with a stranger's key before it opens. pyzmq answers the question in a thread
# of its own; all that it needs to know is in here, a dict that is replaced and never
# changed.
#
# A key of a role may do one thing: enrol another key, which its process has made for
# this life alone. That is named from then on, and can be cut off by itself.

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from mincer.errors import UsageError
from mincer.net.keys import Keys, PublicKey, others_may_write, read_public_file

__all__ = ["AllowList", "Gate", "Right"]

#: Keys that one key may have enrolled at a time: that of a role, which all may share,
#: for many more processes than there are; one of the allow-list, for those of one
#: machine.
_OF_ALL_MAX, _OF_ONE_MAX = 20_000, 100
#: This process has no descriptor or memory left, and so has learned nothing.
_NOTHING_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Right(NamedTuple):
    """What a key may be."""

    role: str
    #: It may enrol so many others, and nothing else.
    may_enrol: int = 0
    #: The key that enrolled it.
    by: str = ""


class Gate:
    """The keys that may connect. `callback` is called in the thread of ZAP."""

    def __init__(self) -> None:
        #: How often somebody was not let in.
        self.refused = 0
        self._rights: dict[str, Right] = {}
        #: What each key has enrolled, the oldest first.
        self._enrolled: dict[str, list[str]] = {}

    def callback(self, domain: str, key: bytes) -> bool:
        """pyzmq asks: may this key (Z85) connect?"""
        is_known = key.decode("ascii", "replace") in self._rights
        self.refused += not is_known
        return is_known

    def right(self, key: str) -> Right | None:
        return self._rights.get(key)

    def allow(self, key: str, right: Right) -> None:
        self._rights = self._rights | {key: right}

    def allow_roles(self, keys: Keys) -> None:
        """Whoever has the cluster's secret may be anything."""
        for role, pair in keys.roles.items():
            self.allow(pair.public.decode(), Right(role, _OF_ALL_MAX))

    def enrol(self, key: str, by: str, forget: Callable[[str], bool]) -> bool:
        """Allow `key` to be what `by` is. False: it is something else already, or too
        many that `by` has enrolled are here. Processes come with a new key each time:
        where there are too many, the oldest for which `forget` says True gives way."""
        right = self._rights.get(by)
        if right is None or not right.may_enrol:
            return False
        known = self._rights.get(key)
        new = Right(right.role, by=by)
        if known is not None:
            return known == new
        enrolled = self._enrolled.setdefault(by, [])
        if len(enrolled) >= right.may_enrol:
            gone = next(filter(forget, enrolled), None)
            if gone is None:
                return False
            self.forbid(gone)
        self._enrolled[by].append(key)
        self.allow(key, new)
        return True

    def forbid(self, key: str) -> list[str]:
        """This key may not connect any more, nor those that it has enrolled; return
        all of them."""
        right = self._rights.get(key)
        if right is None:
            return []
        if right.by:
            self._enrolled[right.by].remove(key)
        gone = [key, *self._enrolled.pop(key, ())]
        self._rights = {
            one: right for one, right in self._rights.items() if one not in gone
        }
        return gone


class AllowList:
    """A folder of public keys; who is no longer in it is cut off.

    Raises:
        UsageError: everybody on this machine can put keys into it.
    """

    def __init__(self, folder: str, gate: Gate) -> None:
        with contextlib.suppress(FileNotFoundError):
            if others_may_write(os.stat(folder).st_mode):
                raise UsageError(
                    f"others than you can write to {folder}, and let in whom they like",
                    hint=f"chmod o-w {folder}",
                )
        self._folder = folder
        self._gate = gate
        #: Of the files that were read: what the system tells of them.
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._keys: dict[str, PublicKey] = {}
        #: Files in it that are no keys, and why.
        self.wrong: dict[str, str] = {}

    def look(self) -> list[str]:
        """Read what has changed; return the keys that may not be here any more."""
        try:
            found = self._files()
        except OSError as error:
            if error.errno in _NOTHING_LEFT:
                return []
            found = {}  # a folder that is gone allows nobody
        before = set(self._keys.values())
        for path in self._seen.keys() - found.keys():
            self._keys.pop(path, None)
            self.wrong.pop(path, None)
        self._seen = {path: self._seen[path] for path in self._seen if path in found}
        for path, seen in found.items():
            if self._seen.get(path) != seen and self._read(path):
                self._seen[path] = seen
        now = set(self._keys.values())
        cut = [key for gone in before - now for key in self._gate.forbid(_text(gone))]
        for one in now - before:
            self._gate.allow(_text(one), Right(one.role, _OF_ONE_MAX))
        return cut

    def _files(self) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if not entry.name.endswith(".pub"):
                    continue
                with contextlib.suppress(FileNotFoundError):  # it has just gone
                    status = entry.stat()
                    seen = status.st_mtime_ns, status.st_ino, status.st_size
                    found[entry.path] = seen
        return found

    def _read(self, path: str) -> bool:
        """Take in a file that is new, or has changed. False: it cannot be read now."""
        try:
            self._keys[path] = read_public_file(path)
            self.wrong.pop(path, None)
        except UsageError as error:
            why = error.__cause__
            if isinstance(why, OSError) and why.errno in _NOTHING_LEFT:
                return False
            self._keys.pop(path, None)
            self.wrong[path] = error.what
        return True


def _text(one: PublicKey) -> str:
    return one.public.decode()
