"""A folder of part files: written aside, moved into place, the manifest last."""

# Strategy: all is written in DIR/_mincer-<job>/, on the same file system or storage, so
# that to become visible is a rename, or a copy that the storage makes. A file there
# begins as an attempt; one attempt of each part is then taken for the one that counts.
# `_SUCCESS` comes last and goes first, so a folder that has it is whole.
#
# Nothing is deleted that mincer did not write: `overwrite` wants a manifest of ours and
# no file that it does not list. The old output is moved aside, and comes back if the
# new one cannot be put in its place.

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from mincer.codec.formats import Columns, check_format, decode, read_chunks
from mincer.codec.manifest import MANIFEST, Manifest, PartEntry, part_name
from mincer.errors import Bug, InputError, OutputError
from mincer.flow.ports import PartMade, PartWriter
from mincer.sinks.base import Sink
from mincer.sinks.folder import OVER, Folder, Moves
from mincer.sinks.local_folder import LocalFolder
from mincer.sinks.told import told_about
from mincer.structs import Struct
from mincer.urls import as_path, is_remote, local_path, open_file

__all__ = ["FileSink", "WrittenPart"]

_ASIDE = "_mincer-"
#: In the folder aside: what was there before.
_OLD = "old"


class FileSink(Sink):
    """Writes `part-00000`… and `_SUCCESS` to a folder that must be new or empty.

    Args:
        folder: where to, a path or a URL; it is made if it does not exist.
        format: tsv, jsonl, pickle or lines.
        overwrite: replace what an earlier job wrote there, and nothing else.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        format: str = "tsv",
        overwrite: bool = False,
    ) -> None:
        check_format(format)
        #: As the user typed it; errors say it that way.
        self.folder = as_path(folder)
        self.format = format
        self.writes_keys = format != "lines"
        self.overwrite = overwrite
        self._place = _folder_at(self.folder)
        self._job: str | None = None
        #: Of each part the attempt that counts, and the name it bears.
        self._winners: dict[int, tuple[int, str]] = {}
        #: What `commit_job` has moved so far.
        self._moved: list[Moves] = []
        self._paths: list[str] = []

    def check(self) -> None:
        with told_about(self.folder):
            self._replaceable()
            self._place.check(self.folder)

    def prepare(self, job: str) -> None:
        """Make the folder, and the one aside in it: from here on another job that
        wants the same folder is refused."""
        self._job = job
        self._winners, self._moved, self._paths = {}, [], []
        with told_about(self.folder):
            self._place.make(self._aside)
        try:
            self.check()
        except BaseException:
            self.abort_job()
            raise

    def open(self, part: int, attempt: int) -> PartWriter:
        name = self._aside_name(part, "attempt", attempt)
        return self._place.open_part(name, self.folder, self.format)

    @property
    def shared_folder(self) -> str | None:
        return self._place.at(self._aside)

    def has_part(self, part: int, attempt: int, size_bytes: int) -> bool:
        name = self._aside_name(part, "attempt", attempt)
        return self._place.has_part(name, size_bytes)

    def commit_part(self, part: int, attempt: int) -> bool:
        winner = self._winners.get(part)
        if winner is not None and winner[0] != attempt:
            return False
        with told_about(self.folder):
            name = self._place.take(
                self._aside_name(part, "attempt", attempt),
                self._aside_name(part, "committed", attempt),
            )
        if name is None:
            return False
        self._winners[part] = attempt, name
        return True

    def commit_job(self, parts: dict[int, PartMade], manifest: dict[str, Any]) -> None:
        numbers = sorted(parts)
        names = [self._committed(part) for part in numbers]
        self._check_sizes(names, [(part, parts[part]) for part in numbers])
        entries = [PartEntry(part_name(part), *parts[part]) for part in numbers]
        with told_about(self.folder):
            old, litter = self._replaceable()
            waiting = f"{self._aside}/{MANIFEST}"
            self._place.write(waiting, _manifest(self.format, entries, manifest))
            attic = f"{self._aside}/{_OLD}"
            # The manifest first, and by itself.
            for some in (old[:1], old[1:]):
                self._move([(name, f"{attic}/{name}") for name in some])
            self._move(
                [(name, entry.name) for name, entry in zip(names, entries, strict=True)]
            )
            self._place.sync()
            self._move([(waiting, MANIFEST)])
            self._moved = []
            self._paths = [self._place.at(entry.name) for entry in entries]
            self._place.sync()
        for name in (self._aside, *litter):
            self._place.remove(name)

    def abort_job(self) -> None:
        if self._job is None:
            return
        with told_about(self.folder):
            while self._moved:
                self._place.move_back(self._moved[-1])
                del self._moved[-1]
        self._place.remove(self._aside)
        self._place.unmake()

    @property
    def paths(self) -> list[str]:
        return list(self._paths)

    def readers(self) -> list[Callable[[], Iterator[Columns]]]:
        return [WrittenPart(path, self.format) for path in self._paths]

    @property
    def _aside(self) -> str:
        if self._job is None:
            raise Bug("the sink was used before it was prepared")
        return _ASIDE + self._job

    def _aside_name(self, part: int, state: str, attempt: int) -> str:
        return f"{self._aside}/{part_name(part)}.{state}-{attempt}"

    def _committed(self, part: int) -> str:
        if part not in self._winners:
            raise Bug(f"part {part} was made but never committed")
        return self._winners[part][1]

    def _replaceable(self) -> tuple[list[str], set[str]]:
        """The names of what this job may replace, manifest first, and of folders aside
        that an ended job has left; refuse all else."""
        names = self._place.names()
        if self._job is not None:
            names.discard(_ASIDE + self._job)
        if not names:
            return [], set()
        old = self._old_manifest()
        ended = set()
        if old is not None:
            ended = {_ASIDE + old.job, _ASIDE + old.job + OVER}
        for name in sorted(names - ended):
            if name.startswith(_ASIDE):
                raise self._unfinished(name)
        if not self.overwrite:
            raise OutputError(
                f"{self.folder} exists already and is not empty",
                hint="Choose another folder, or add --overwrite (overwrite=True) to "
                "replace what an earlier job wrote there.",
            )
        listed = set() if old is None else {part.name for part in old.parts}
        foreign = sorted(names - listed - ended - {MANIFEST})
        if old is None or foreign:
            found = foreign[0] if foreign else MANIFEST
            raise OutputError(
                f"{self.folder} holds what no finished job of mincer wrote: {found}",
                hint="It is not overwritten. Choose another folder, or remove it "
                "yourself.",
            )
        return [MANIFEST, *sorted(names - ended - {MANIFEST})], names & ended

    def _unfinished(self, name: str) -> OutputError:
        import shlex

        remove = self._place.at(name)
        if not is_remote(self.folder):
            path = os.path.join(local_path(self.folder), name)
            remove = f"rm -r {shlex.quote(path)}"
        hint = f"If that job does not run any more, remove it:  {remove}"
        if self._old_manifest(f"{name}/{_OLD}/") is not None:
            old = self._place.at(f"{name}/{_OLD}")
            hint = (
                "It ended while it replaced the output of an earlier job, which is in "
                f"{old} now: take from there what you want to keep. {hint}"
            )
        return OutputError(
            f"{self.folder} holds the unfinished output of another job", hint=hint
        )

    def _old_manifest(self, above: str = "") -> Manifest | None:
        try:
            return Manifest.from_json(self._place.read(above + MANIFEST))
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return None

    def _check_sizes(self, names: list[str], made: list[tuple[int, PartMade]]) -> None:
        """Refuse to make visible what is not what the attempt said it wrote."""
        with told_about(self.folder):
            sizes_bytes = self._place.sizes_bytes(names)
        for (part, one), size_bytes in zip(made, sizes_bytes, strict=True):
            if size_bytes != one.size_bytes:
                raise OutputError(
                    f"part {part} of {self.folder} has {size_bytes:,} bytes; "
                    f"{one.size_bytes:,} were written",
                    hint="Is something else writing or cleaning up there? Run it "
                    "again.",
                )

    def _move(self, moves: Moves) -> None:
        # Noted first: Ctrl-C may come between, and what is not noted cannot come back.
        if moves:
            self._moved.append(moves)
            self._place.move(moves)


class WrittenPart(Struct):
    """Reads one part file from its start; small, and works in any process that can open
    it."""

    path: str
    format: str

    def __call__(self) -> Iterator[Columns]:
        try:
            with open_file(self.path) as file:
                for offset, data in read_chunks(file, self.format, self.path):
                    yield decode(self.format, data, self.path, offset)
        except OSError as error:
            raise InputError(
                f"cannot read the output {self.path}: {error.strerror or error}",
                hint="Was it moved or removed after the job had written it?",
            ) from error


def _folder_at(path: str) -> Folder:
    if is_remote(path):
        from mincer.sinks.remote_folder import RemoteFolder  # few have one

        return RemoteFolder(path)
    return LocalFolder(path)


def _manifest(format: str, entries: list[PartEntry], told: dict[str, Any]) -> bytes:
    import platform

    from mincer import __version__

    versions = {"mincer": __version__, "python": platform.python_version()}
    return Manifest(format, tuple(entries), versions | told).to_json()
