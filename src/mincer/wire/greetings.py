"""Greetings: what is said before there is a line, and read by any version."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from mincer.wire.bounds import Line, Seconds, Small, Word

__all__ = [
    "PROTOCOL",
    "ROLES",
    "Closed",
    "Greeting",
    "Hello",
    "Refused",
    "Stranger",
    "Welcome",
]

#: Both ends must say the same number.
PROTOCOL = 1
#: What a process may be; the coordinator is none of them.
ROLES = ("worker", "driver", "observer")


class _Greeting(Struct, frozen=True, tag_field="is"):
    """Read by any version: fields may be added, and never taken away."""


class Hello(_Greeting, frozen=True, tag="hello"):
    """Who connects. A worker that joins again says a higher `incarnation`."""

    protocol: Small
    mincer: Word
    python: Word
    role: Word
    name: Word
    incarnation: Small = 0
    slots: Annotated[int, Meta(ge=0, le=4096)] = 0
    #: Where others may pull from it; empty: nowhere.
    address: Line = ""
    #: The same for all processes that see the same files under the same paths.
    host: Line = ""


class Welcome(_Greeting, frozen=True, tag="welcome"):
    """The line begins. `coordinator`: a new word for each life of one."""

    coordinator: Word
    #: What this process is called by all others as long as it stays.
    member: Small
    incarnation: Small
    beat_s: Seconds
    lease_s: Seconds


class Refused(_Greeting, frozen=True, tag="refused"):
    """And will be each time."""

    why: Line
    #: "version", "role", "address", "full" or "revoked".
    code: Word


class Stranger(_Greeting, frozen=True, tag="stranger"):
    """Whoever says that is not known here, or was given up: greet anew."""

    incarnation: Small = 0


class Closed(_Greeting, frozen=True, tag="closed"):
    """This coordinator ends, and will not hear of anybody any more."""

    coordinator: Word


Greeting: TypeAlias = Hello | Welcome | Refused | Stranger | Closed
