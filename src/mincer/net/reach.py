"""Who can be reached, and which way: straight, or by way of the coordinator."""

from __future__ import annotations

from typing import TypeAlias

from mincer.wire import frames, pulls
from mincer.wire.packets import Message

__all__ = ["Outgoing", "Reach"]

#: A message, and which way it goes: 0 is the line, None by way of the coordinator, and
#: anything else straight to that member.
Outgoing: TypeAlias = tuple[int | None, Message]


class Reach:
    """What one process knows of the ways to others. `host`: a word that those have in
    common who see the same disks; empty: nobody does."""

    def __init__(self, host: str = "") -> None:
        self._host = host
        #: The addresses and keys of others, by number.
        self.peers: dict[int, frames.MemberTold] = {}
        #: Members that cannot be reached but through the coordinator.
        self.relayed: set[int] = set()

    def is_direct(self, member: int) -> bool:
        """True when this member is to be asked without the coordinator."""
        told = self.peers.get(member)
        return told is not None and bool(told.address) and member not in self.relayed

    def is_near(self, member: int) -> bool:
        """True when this member is on this machine."""
        told = self.peers.get(member)
        return told is not None and bool(told.host) and told.host == self._host

    def chunk_bytes(self, member: int) -> int:
        """How much this member is asked for at a time."""
        return pulls.CHUNK_BYTES if self.is_direct(member) else pulls.RELAYED_BYTES

    def question(self, head: pulls.Head) -> Outgoing:
        """This question, on its way to `head.to`."""
        way = head.to if self.is_direct(head.to) else None
        return way, pulls.write_pull(head)

    def forget(self, member: int) -> None:
        """This member is gone."""
        self.peers.pop(member, None)
        self.relayed.discard(member)

    def clear(self) -> None:
        """Know nobody."""
        self.peers.clear()
        self.relayed.clear()
