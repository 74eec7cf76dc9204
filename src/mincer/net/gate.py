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

import os
from typing import NamedTuple

from mincer.errors import UsageError
from mincer.net.keys import Keys, read_public_file

__all__ = ["AllowList", "Gate", "Right"]

#: Keys that are enrolled at a time: many more than there are processes.
_ENROLLED_MAX = 20_000


class Right(NamedTuple):
    """What a key may be."""

    role: str
    #: It may enrol another one, and nothing else.
    may_enrol: bool = False
    #: The key that enrolled it.
    by: str = ""


class Gate:
    """The keys that may connect. `callback` is called in the thread of ZAP."""

    def __init__(self) -> None:
        #: How often somebody was not let in.
        self.refused = 0
        self._rights: dict[str, Right] = {}

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
            self.allow(pair.public.decode(), Right(role, may_enrol=True))

    def enrol(self, key: str, by: str) -> bool:
        """Allow `key` to be what `by` is. False: it is something else already, or there
        are too many."""
        right = self._rights.get(by)
        if right is None or not right.may_enrol:
            return False
        known = self._rights.get(key)
        new = Right(right.role, by=by)
        if known is not None:
            return known == new
        if len(self._rights) >= _ENROLLED_MAX:
            return False
        self.allow(key, new)
        return True

    def forbid(self, key: str) -> list[str]:
        """This key may not connect any more, nor those that it has enrolled; return
        all of them."""
        gone = [one for one, right in self._rights.items() if key in (one, right.by)]
        self._rights = {
            one: right for one, right in self._rights.items() if one not in gone
        }
        return gone


class AllowList:
    """A folder of public keys; who is no longer in it is cut off."""

    def __init__(self, folder: str, gate: Gate) -> None:
        self._folder = folder
        self._gate = gate
        self._seen: dict[str, tuple[int, int]] = {}
        self._keys: dict[str, str] = {}
        #: Files in it that are no keys, and why.
        self.wrong: dict[str, str] = {}

    def look(self) -> list[str]:
        """Read what has changed; return the keys that may not be here any more."""
        found: dict[str, tuple[int, int]] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".pub"):
                        status = entry.stat()
                        found[entry.path] = status.st_mtime_ns, status.st_ino
        except OSError:
            found = {}  # a folder that is gone allows nobody
        changed = [path for path in found if found[path] != self._seen.get(path)]
        gone = [path for path in self._seen if path not in found]
        self._seen = found
        cut: list[str] = []
        for path in (*gone, *changed):
            self.wrong.pop(path, None)
            key = self._keys.pop(path, None)
            if key is not None:
                cut += self._gate.forbid(key)
        for path in changed:
            try:
                public = read_public_file(path)
            except UsageError as error:
                self.wrong[path] = error.what
                continue
            key = public.public.decode()
            self._keys[path] = key
            self._gate.allow(key, Right(public.role, may_enrol=True))
        return cut
