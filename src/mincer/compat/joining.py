"""How the two ends of an old script find each other: an address, and one secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mincer.errors import UsageError
from mincer.net.own_key import own_key_file
from mincer.net.settings import Address, is_secret_set
from mincer.runners.worker import Worker
from mincer.worker.machine import cores, memory_per_slot

__all__ = ["Secret", "join", "secret_for"]


class Secret(NamedTuple):
    """What `Serve` and `Worker` are given; both None: what was set."""

    password: str | None = None
    key_file: str | None = None


def secret_for(address: Address, password: str, hint: str) -> Secret:
    """The secret of an end at, or on its way to, `address`: its password, else what was
    set, else on loopback the key file of this user.

    Raises:
        UsageError: there is none, and others could come in; `hint` says what to type.
    """
    if password:
        return Secret(password)
    if is_secret_set():
        return Secret()
    if not address.is_loopback:
        raise UsageError(
            f"without a password nobody can be told from a stranger at {address}",
            hint=hint,
        )
    return Secret(key_file=own_key_file())


def join(
    address: Address, secret: Secret, tell: Callable[[str], None] | None = None
) -> Worker:
    """A worker as theirs were: one process, that leaves when the coordinator is done.

    Whoever wanted all cores started one for each, so each may take one's share.
    """
    return Worker(
        str(address),
        password=secret.password,
        key_file=secret.key_file,
        slots=1,
        memory=memory_per_slot(cores()),
        once=True,
        tell=tell,
    )
