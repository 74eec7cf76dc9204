"""What a sink asks of the folder that its output goes to, wherever that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from mincer.flow.ports import PartWriter

__all__ = ["OVER", "Folder", "Moves"]

#: Behind the name of a folder aside that is being removed.
OVER = "-over"

#: (from, to): names in a folder.
Moves: TypeAlias = Sequence[tuple[str, str]]


class Folder(ABC):
    """Names are those in the folder, with `/` between the levels. What the system or a
    storage refuses is an `OSError`."""

    #: The folder from the root on, or its URL; what is in it has a `/` more.
    path: str

    @abstractmethod
    def at(self, name: str) -> str:
        """The path of what has this name."""

    @abstractmethod
    def check(self, shown: str) -> None:
        """Refuse a place where nothing can be written, as `shown`."""

    @abstractmethod
    def make(self, aside: str) -> None:
        """Make the folder, and one in it for what nobody is to see."""

    @abstractmethod
    def names(self) -> set[str]:
        """What lies in the folder now; nothing when it is not there."""

    @abstractmethod
    def read(self, name: str) -> bytes: ...

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a small file, and have it on the disk."""

    @abstractmethod
    def open_part(self, attempt: str, shown: str, format: str) -> PartWriter:
        """Begin a part, which bears the name `attempt` once it is whole."""

    @abstractmethod
    def has_part(self, attempt: str, size_bytes: int) -> bool:
        """True when a part is there, whole, with this size."""

    @abstractmethod
    def take(self, attempt: str, committed: str) -> str | None:
        """Take a whole part for the one that counts; return the name it bears now, or
        None when it is not there. Asked again, the answer is the same."""

    @abstractmethod
    def sizes_bytes(self, names: Sequence[str]) -> list[int]:
        """How large these files are."""

    @abstractmethod
    def move(self, moves: Moves) -> None:
        """Give files their new names, in this order as far as there is one."""

    @abstractmethod
    def move_back(self, moves: Moves) -> None:
        """Undo a `move` that may have gone some of its way."""

    @abstractmethod
    def sync(self) -> None:
        """Have the names that were given on the disk."""

    @abstractmethod
    def remove(self, aside: str) -> None:
        """Remove the folder aside; whoever writes there yet must not make it again.
        Raises nothing: what counts is done."""

    @abstractmethod
    def unmake(self) -> None:
        """Remove the folders that `make` has made, if they are empty."""
