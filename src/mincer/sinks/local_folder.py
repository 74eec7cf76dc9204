"""The folder of an output on a disk: what is whole appears by a rename."""

# Strategy: a part goes through three names: `.writing` while its attempt runs, the
# attempt's own when it is whole and on the disk, and another when it counts. Only the
# driver gives it the last one, so a straggler has no way to touch what counts; when the
# folder aside is gone, it cannot even begin, and it goes by losing its name first.

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence

from mincer.errors import OutputError
from mincer.flow.ports import PartWriter
from mincer.sinks.folder import OVER, Folder, Moves
from mincer.sinks.part_file import PartFile
from mincer.urls import absolute

__all__ = ["LocalFolder"]


class LocalFolder(Folder):
    """See `Folder`. `path`: as the user typed it."""

    def __init__(self, path: str) -> None:
        # Children may have another working directory.
        self.path = absolute(path)
        #: Folders that `make` made, outermost first.
        self._made: list[str] = []

    def at(self, name: str) -> str:
        return os.path.join(self.path, *name.split("/"))

    def check(self, shown: str) -> None:
        parent = self.path
        while not os.path.lexists(parent):
            parent = os.path.dirname(parent)
        if not os.path.isdir(parent):
            raise OutputError(f"cannot write to {shown}: {parent} is no folder")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(
                f"cannot write to {shown}: no permission to write in {parent}",
                hint="Choose another folder.",
            )

    def make(self, aside: str) -> None:
        self._made = list(_missing_folders(self.path))
        os.makedirs(self.at(aside), exist_ok=True)

    def names(self) -> set[str]:
        try:
            return set(os.listdir(self.path))
        except FileNotFoundError:
            return set()

    def read(self, name: str) -> bytes:
        with open(self.at(name), "rb") as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        with open(self.at(name), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def open_part(self, attempt: str, shown: str, format: str) -> PartWriter:
        return PartFile(self.at(attempt), shown, format)

    def has_part(self, attempt: str, size_bytes: int) -> bool:
        path = self.at(attempt)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return False
            # Opened: other machines may have told this one of it only now.
            with open(path, "rb") as file:
                return os.fstat(file.fileno()).st_size == size_bytes
        except OSError:
            return False

    def take(self, attempt: str, committed: str) -> str | None:
        try:
            os.rename(self.at(attempt), self.at(committed))
        except FileNotFoundError:
            return committed if os.path.exists(self.at(committed)) else None
        return committed

    def sizes_bytes(self, names: Sequence[str]) -> list[int]:
        return [os.path.getsize(self.at(name)) for name in names]

    def move(self, moves: Moves) -> None:
        for above in {os.path.dirname(self.at(target)) for _, target in moves}:
            os.makedirs(above, exist_ok=True)
        for source, target in moves:
            os.rename(self.at(source), self.at(target))

    def move_back(self, moves: Moves) -> None:
        for source, target in reversed(moves):
            # Of those that were not moved yet, another may have put something there.
            is_moved = not os.path.lexists(self.at(source))
            if is_moved and os.path.lexists(self.at(target)):
                os.rename(self.at(target), self.at(source))

    def sync(self) -> None:
        # Windows has no such thing and needs none.
        if os.name == "nt":
            return
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, aside: str) -> None:
        # An error that is on its way must not be hidden. A straggler that still writes
        # may keep the folder from going: its name begins with "_", so no reader looks
        # into it.
        import shutil

        # Who works on another machine may not have heard yet that all is over, and must
        # not put anything into a folder that is just being emptied.
        here, over = self.at(aside), self.at(aside + OVER)
        with contextlib.suppress(OSError):
            os.rename(here, over)
        for path in (over, here):
            shutil.rmtree(path, ignore_errors=True)

    def unmake(self) -> None:
        for path in reversed(self._made):
            # Somebody may have put something there: then it stays.
            with contextlib.suppress(OSError):
                os.rmdir(path)
        self._made = []


def _missing_folders(path: str) -> Iterator[str]:
    """`path` and the folders above it that do not exist, outermost first."""
    if not os.path.lexists(path):
        yield from _missing_folders(os.path.dirname(path))
        yield path
