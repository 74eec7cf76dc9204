"""Who is here: greeted, numbered, heard of, given up."""

# Strategy: a member is the key that CURVE has proved, and nothing that it says of
# itself. Its life (incarnation) is what its line belongs to: a process that was given
# up greets with the next one, and what its former life still had under way is no news
# of this one. Numbers are never used again, so a late message cannot mean somebody
# else.

from __future__ import annotations

import re
from collections.abc import Iterator

from mincer.errors import preview
from mincer.ids import WorkerId
from mincer.limits import LEASE_S
from mincer.net.telling import printable
from mincer.wire import frames
from mincer.wire.frames import ROLES, Hello
from mincer.wire.packets import Message, write_packet
from mincer.wire.session import Session

__all__ = ["BEAT_S", "Greeted", "Member", "Members"]

#: Where others may connect to: ZeroMQ knows of more, as files and multicast.
_ADDRESS = re.compile(r"tcp://(\[[\w:.%-]+\]|[\w.-]+):[1-9]\d{0,4}", re.ASCII)
#: How often a beat is sent, each way.
BEAT_S = 1.0
#: A process whose connection was closed has so long to make another one.
_CLOSED_S_MAX = 0.7


class Member:
    """One life of one process."""

    def __init__(self, number: int, key: str, hello: Hello, now: float) -> None:
        self.number = number
        self.key = key
        self.role = hello.role
        self.name = hello.name
        self.life = hello.incarnation
        self.slots = hello.slots
        self.address = hello.address
        self.host = hello.host
        self.mincer = hello.mincer
        self.python = hello.python
        self.session = Session()
        self.since = self.heard = now
        #: Those that counted when they were told.
        self.attempts_done = 0
        #: Since when there is no connection to it.
        self.closed_since: float | None = None

    @property
    def id(self) -> WorkerId:
        """What the coordinator calls it, if it is a worker."""
        return WorkerId(self.name, self.life)

    def say(self, frame: object) -> Message:
        """The message that says this to it, in order with all that was said before."""
        return write_packet(self.life, self.session.send(frames.encode(frame)))

    def beat(self) -> Message:
        return write_packet(self.life, self.session.beat())

    def is_gone(self, now: float) -> bool:
        """True when it closed its connection, and has made no other."""
        since = self.closed_since
        return since is not None and now - since > _CLOSED_S_MAX

    def is_silent(self, now: float) -> bool:
        return now - self.heard > LEASE_S


class Greeted:
    """What comes of a greeting."""

    def __init__(
        self,
        reply: frames.Greeting,
        joined: Member | None = None,
        replaced: Member | None = None,
    ) -> None:
        self.reply = reply
        #: New here.
        self.joined = joined
        #: A former life of it, that nobody has heard the end of.
        self.replaced = replaced


class Members:
    """The members of one coordinator, which calls itself `word`.

    `versions`: the mincer and the Python ("3.11") that all must have.
    """

    def __init__(self, word: str, versions: tuple[str, str], members_max: int) -> None:
        self._word = word
        self._versions = versions
        self._max = members_max
        self._by_key: dict[str, Member] = {}
        self._by_number: dict[int, Member] = {}
        self._last = 0
        #: The name and the next life that each key may have: one that was given up
        #: must not come back, and no name may stand for two.
        self._known: dict[str, tuple[str, int]] = {}

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)

    def of_key(self, key: str) -> Member | None:
        return self._by_key.get(key)

    def of_number(self, number: int) -> Member | None:
        return self._by_number.get(number)

    def greet(self, key: str, role: str, hello: Hello, now: float) -> Greeted:
        """Answer a greeting; `role`: what this key may be."""
        why = self._refusal(role, hello)
        if why is not None:
            return Greeted(why)
        here = self._by_key.get(key)
        if here is not None and here.life == hello.incarnation:
            here.heard = now
            here.closed_since = None
            return Greeted(self._welcome(here))  # it has not heard the first
        name, life = self._known.get(key, ("", 0))
        if hello.incarnation < life:
            return Greeted(frames.Stranger(hello.incarnation))
        if here is None and len(self._by_key) >= self._max:
            return Greeted(
                frames.Refused(f"{self._max} processes are here already", "full")
            )
        if here is not None:
            self.remove(here)
        self._last += 1
        member = Member(self._last, key, hello, now)
        member.name = name or self._free_name(printable(hello.name))
        self._by_key[key] = self._by_number[member.number] = member
        self._known[key] = member.name, member.life
        return Greeted(self._welcome(member), member, here)

    def remove(self, member: Member) -> None:
        """It is gone, or given up: this life must not come back."""
        if self._by_key.get(member.key) is member:
            del self._by_key[member.key], self._by_number[member.number]
            self._known[member.key] = member.name, member.life + 1

    def forget(self, key: str) -> None:
        """This key will not be seen again."""
        self._known.pop(key, None)

    def _refusal(self, role: str, hello: Hello) -> frames.Refused | None:
        mincer, python = self._versions
        if hello.protocol != frames.PROTOCOL:
            return frames.Refused(
                f"this coordinator speaks protocol {frames.PROTOCOL} (mincer "
                f"{mincer}), and you speak {hello.protocol} (mincer {hello.mincer})",
                "version",
            )
        if (hello.mincer, hello.python) != self._versions:
            return frames.Refused(
                f"this coordinator runs mincer {mincer} on Python {python}, and you "
                f"run mincer {hello.mincer} on Python {hello.python}",
                "version",
            )
        if hello.address and not _ADDRESS.fullmatch(hello.address):
            return frames.Refused(
                f"others cannot pull from {preview(hello.address)}: no address",
                "address",
            )
        if hello.role != role or role not in ROLES:
            return frames.Refused(
                f"your key is that of a {role}, not of a {hello.role}", "role"
            )
        return None

    def _welcome(self, member: Member) -> frames.Welcome:
        return frames.Welcome(
            self._word, member.number, member.life, beat_s=BEAT_S, lease_s=LEASE_S
        )

    def _free_name(self, name: str) -> str:
        taken = {name for name, _ in self._known.values()}
        free, nth = name, 1
        while free in taken:
            nth += 1
            free = f"{name}-{nth}"
        return free
