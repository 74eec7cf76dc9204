"""The folder of an output behind a URL: what is whole is copied to its name."""

# Strategy: object stores have no folders and no renames. What is written there appears
# when it is closed, and elsewhere (HDFS, SFTP) while it is written; so an attempt is
# whole when a mark beside it says how long it is, and the driver notes which counts.
# At the end all are copied to their names by the storage itself, many at a time, and no
# data comes through the driver; storages that can rename do.
#
# No folder goes away under a straggler here, so a small object says that the job is
# still on: who begins a part, or ends one, looks for it. What he leaves in the moment
# between stays in the folder aside, which no reader looks into.
#
# Rejected: multipart uploads that the driver completes. Nothing would be copied, but
# only S3 has them, they leave what costs money when a driver dies, and the requests
# that are saved are few beside those of the data.

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mincer.errors import OutputError
from mincer.flow.ports import PartMade, PartWriter
from mincer.sinks.encoder import PartEncoder
from mincer.sinks.folder import Folder, Moves
from mincer.sinks.told import told_about
from mincer.urls import absolute, as_os_error, below, storage_of, write_new

__all__ = ["RemoteFolder"]

#: Says in the folder aside that its job is on.
_ON = "on"
#: Behind the name of an attempt: it is whole, and so many bytes long.
_WHOLE = ".whole"
#: So much is sent at a time. S3 takes 10,000 of them for an object: 80 GB a part.
_BLOCK_BYTES = 8 << 20


class RemoteFolder(Folder):
    """See `Folder`. `path`: a URL."""

    def __init__(self, path: str) -> None:
        self.path = absolute(path)

    def at(self, name: str) -> str:
        return below(self.path, name)

    def check(self, shown: str) -> None:
        if strange := [sign for sign in "*?[" if sign in self.path]:
            raise OutputError(
                f"cannot write to {shown}: {strange[0]} stands for a pattern in URLs",
                hint="Choose a name without it.",
            )
        storage, inside = storage_of(self.path)
        with as_os_error():
            if storage.isfile(inside):
                raise OutputError(f"cannot write to {shown}: it is no folder")

    def make(self, aside: str) -> None:
        storage, inside = storage_of(self.path)
        with as_os_error():
            # Of an object store this would make the bucket, whatever its name.
            if not _keeps_objects(storage):
                storage.makedirs(f"{inside}/{aside}", exist_ok=True)
        self.write(f"{aside}/{_ON}", b"")

    def names(self) -> set[str]:
        storage, inside = storage_of(self.path)
        with as_os_error():
            storage.invalidate_cache()
            try:
                found = storage.ls(inside, detail=False)
            except FileNotFoundError:
                return set()
        above = inside.rstrip("/") + "/"
        names = {path.rstrip("/").removeprefix(above) for path in found}
        # Some make an empty object in the place of a folder, with its name.
        return names - {"", inside.rstrip("/")}

    def read(self, name: str) -> bytes:
        storage, inside = storage_of(self.at(name))
        with as_os_error():
            storage.invalidate_cache()  # others list and write at the same time
            data: bytes = storage.cat_file(inside)
        return data

    def write(self, name: str, data: bytes) -> None:
        write_new(self.at(name), data)

    def open_part(self, attempt: str, shown: str, format: str) -> PartWriter:
        return _RemotePart(self, attempt, shown, format)

    def has_part(self, attempt: str, size_bytes: int) -> bool:
        try:
            return self.read(attempt + _WHOLE) == b"%d" % size_bytes
        except OSError:
            return False

    def take(self, attempt: str, committed: str) -> str | None:
        try:
            self.read(attempt + _WHOLE)
        except FileNotFoundError:
            return None
        return attempt

    def sizes_bytes(self, names: Sequence[str]) -> list[int]:
        storage, _ = storage_of(self.path)
        with as_os_error():
            storage.invalidate_cache()
            return [int(size) for size in storage.sizes(self._inside(names))]

    def move(self, moves: Moves) -> None:
        # Ctrl-C does not reach what a storage is doing; who undoes it must not begin
        # before that has ended.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._move, moves).result()

    def _move(self, moves: Moves) -> None:
        storage, _ = storage_of(self.path)
        sources = self._inside([source for source, _ in moves])
        targets = self._inside([target for _, target in moves])
        with as_os_error():
            if _keeps_objects(storage):
                storage.copy(sources, targets)
                self._remove_all(storage, sources)
                return
            for target in {path.rpartition("/")[0] for path in targets}:
                storage.makedirs(target, exist_ok=True)
            for source, target in zip(sources, targets, strict=True):
                storage.mv(source, target)

    def _remove_all(self, storage: Any, paths: list[str]) -> None:
        """Remove files of one folder; look, as not all who may not do it are told."""
        storage.rm(paths)
        storage.invalidate_cache()
        try:
            left = set(storage.ls(paths[0].rpartition("/")[0], detail=False))
        except FileNotFoundError:
            return
        if kept := left.intersection(paths):
            raise PermissionError(f"{min(kept)} cannot be removed")

    def move_back(self, moves: Moves) -> None:
        storage, _ = storage_of(self.path)
        with as_os_error():
            storage.invalidate_cache()
            back: list[tuple[str, str]] = []
            for source, target in moves:
                before, after = self._inside([source, target])
                if not storage.exists(after):
                    continue
                if storage.exists(before):
                    storage.rm_file(after)
                else:
                    back.append((target, source))
        if back:
            self.move(back)

    def sync(self) -> None:
        """What a storage has taken, it has."""

    def remove(self, aside: str) -> None:
        self._remove(f"{aside}/{_ON}")
        self._remove(aside)

    def unmake(self) -> None:
        """Where there are no folders none was made; others stay."""

    def is_on(self, aside: str) -> bool:
        """True while the job writes that has this folder aside."""
        storage, inside = storage_of(self.at(f"{aside}/{_ON}"))
        with as_os_error():
            storage.invalidate_cache()
            return bool(storage.exists(inside))

    def _inside(self, names: Sequence[str]) -> list[str]:
        """What the storage calls them."""
        _, inside = storage_of(self.path)
        return [f"{inside.rstrip('/')}/{name}" for name in names]

    def _remove(self, name: str) -> None:
        """Remove what has this name, and raise nothing."""
        with contextlib.suppress(OSError), as_os_error():
            storage, inside = storage_of(self.at(name))
            storage.rm(inside, recursive=True)


class _RemotePart:
    """One attempt at one part; see `mincer.flow.ports.PartWriter`."""

    def __init__(
        self, folder: RemoteFolder, attempt: str, shown: str, format: str
    ) -> None:
        self._folder = folder
        self._attempt = attempt
        self._shown = shown
        self._encoder = PartEncoder(format)
        self._check_on()
        with told_about(shown), as_os_error():
            storage, inside = storage_of(folder.at(attempt))
            self._file: Any = storage.open(inside, "wb", block_size=_BLOCK_BYTES)
            self._file.write(self._encoder.start())

    def write(self, keys: list[Any], values: list[Any]) -> None:
        data = self._encoder.encode(keys, values)
        with told_about(self._shown), as_os_error():
            self._file.write(data)

    def close(self) -> PartMade:
        with told_about(self._shown), as_os_error():
            self._file.close()
        self._check_on()
        made = self._encoder.made()
        with told_about(self._shown):
            self._folder.write(self._attempt + _WHOLE, b"%d" % made.size_bytes)
        return made

    def abort(self) -> None:
        # To close it sends the rest: there is no other way that all storages have.
        with contextlib.suppress(OSError), as_os_error():
            self._file.close()
        for name in (self._attempt + _WHOLE, self._attempt):
            self._folder._remove(name)

    def _check_on(self) -> None:
        aside = self._attempt.partition("/")[0]
        with told_about(self._shown):
            is_on = self._folder.is_on(aside)
        if not is_on:
            path = self._folder.at(aside)
            raise OutputError(
                f"cannot write to {self._shown}: this process does not find {path}",
                hint="Either the job is over, or the storage is another one here: "
                "memory:// is of one process alone (--runner inline).",
            )


def _keeps_objects(storage: Any) -> bool:
    """True for a storage without folders and renames. No storage says so, but those of
    fsspec that speak to object stores are the asynchronous ones, and they copy many at
    a time."""
    return bool(storage.async_impl)
