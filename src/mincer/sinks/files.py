"""A folder of part files: written aside, moved into place, the manifest last."""

# Strategy: all is written in DIR/_mincer-<job>/, on the same file system, so that to
# become visible is a rename. A file there goes through three names: `.writing` while
# its attempt runs, `.attempt-N` when it is whole and on the disk, `.committed-N` when
# the coordinator has named attempt N. Only the driver renames to the last one, so a
# straggler has no way to touch what counts; when the folder aside is gone, it cannot
# even begin, and it goes by losing its name first. `_SUCCESS` comes last and goes
# first, so a folder that has it is whole.
#
# Nothing is deleted that mincer did not write: `overwrite` wants a manifest of ours and
# no file that it does not list. The old output is moved aside, and comes back if the
# new one cannot be put in its place.

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from mincer.codec.formats import Columns, check_format, decode, read_chunks
from mincer.codec.manifest import MANIFEST, Manifest, PartEntry, part_name
from mincer.errors import Bug, InputError, OutputError
from mincer.flow.ports import PartMade, PartWriter
from mincer.sinks.base import Sink
from mincer.sinks.part_file import PartFile, told_about
from mincer.structs import Struct

__all__ = ["FileSink", "WrittenPart"]

_ASIDE = "_mincer-"
#: Behind the name of a folder aside that is being removed.
_OVER = "-over"


class FileSink(Sink):
    """Writes `part-00000`… and `_SUCCESS` to a folder that must be new or empty.

    Args:
        folder: where to; it is made if it does not exist.
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
        self.folder = os.fspath(folder)
        self.format = format
        self.writes_keys = format != "lines"
        self.overwrite = overwrite
        # Children may have another working directory.
        self._root = os.path.abspath(self.folder)
        self._job: str | None = None
        #: Folders that `prepare` made, outermost first.
        self._made: list[str] = []
        self._winners: dict[int, int] = {}
        #: (from, to) of what `commit_job` has moved so far.
        self._moved: list[tuple[str, str]] = []
        self._paths: list[str] = []

    def check(self) -> None:
        with told_about(self.folder):
            self._replaceable()
        parent = self._root
        while not os.path.lexists(parent):
            parent = os.path.dirname(parent)
        if not os.path.isdir(parent):
            raise OutputError(f"cannot write to {self.folder}: {parent} is no folder")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(
                f"cannot write to {self.folder}: no permission to write in {parent}",
                hint="Choose another folder.",
            )

    def prepare(self, job: str) -> None:
        """Make the folder, and the one aside in it: from here on another job that
        wants the same folder is refused."""
        self._job = job
        self._winners, self._moved, self._paths = {}, [], []
        self._made = list(_missing_folders(self._root))
        with told_about(self.folder):
            os.makedirs(self._aside, exist_ok=True)
        try:
            self.check()
        except BaseException:
            self.abort_job()
            raise

    def open(self, part: int, attempt: int) -> PartWriter:
        path = self._aside_path(part, "attempt", attempt)
        return PartFile(path, self.folder, self.format)

    @property
    def shared_folder(self) -> str | None:
        return self._aside

    def has_part(self, part: int, attempt: int, size_bytes: int) -> bool:
        path = self._aside_path(part, "attempt", attempt)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return False
            with open(path, "rb") as file:
                return os.fstat(file.fileno()).st_size == size_bytes
        except OSError:
            return False

    def commit_part(self, part: int, attempt: int) -> bool:
        winner = self._winners.get(part)
        target = self._aside_path(part, "committed", attempt)
        if winner is not None:
            return winner == attempt and os.path.exists(target)
        with told_about(self.folder):
            try:
                os.rename(self._aside_path(part, "attempt", attempt), target)
            except FileNotFoundError:
                return False
        self._winners[part] = attempt
        return True

    def commit_job(self, parts: dict[int, PartMade], manifest: dict[str, Any]) -> None:
        for part, made in parts.items():
            self._check_part(part, made)
        entries = [PartEntry(part_name(part), *parts[part]) for part in sorted(parts)]
        with told_about(self.folder):
            old = self._replaceable()
            waiting = os.path.join(self._aside, MANIFEST)
            self._write_manifest(waiting, entries, manifest)
            attic = os.path.join(self._aside, "old")
            if old:
                os.mkdir(attic)
            for name in old:
                self._move(os.path.join(self._root, name), os.path.join(attic, name))
            for part in sorted(parts):
                source = self._aside_path(part, "committed", self._winners[part])
                self._move(source, os.path.join(self._root, part_name(part)))
            _sync_folder(self._root)
            self._move(waiting, os.path.join(self._root, MANIFEST))
            self._moved, self._made = [], []
            self._paths = [os.path.join(self._root, entry.name) for entry in entries]
            _sync_folder(self._root)
        self._remove_aside()

    def abort_job(self) -> None:
        if self._job is None:
            return
        with told_about(self.folder):
            while self._moved:
                source, target = self._moved[-1]
                if os.path.lexists(target):
                    os.rename(target, source)
                del self._moved[-1]
        self._remove_aside()
        for folder in reversed(self._made):
            # Somebody may have put something there: then it stays.
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        self._made = []

    @property
    def paths(self) -> list[str]:
        return list(self._paths)

    def readers(self) -> list[Callable[[], Iterator[Columns]]]:
        return [WrittenPart(path, self.format) for path in self._paths]

    @property
    def _aside(self) -> str:
        if self._job is None:
            raise Bug("the sink was used before it was prepared")
        return os.path.join(self._root, _ASIDE + self._job)

    def _aside_path(self, part: int, state: str, attempt: int) -> str:
        return os.path.join(self._aside, f"{part_name(part)}.{state}-{attempt}")

    def _replaceable(self) -> list[str]:
        """The names of what this job may replace, manifest first; refuse all else."""
        try:
            names = set(os.listdir(self._root))
        except FileNotFoundError:
            return []
        if self._job is not None:
            names.discard(_ASIDE + self._job)
        if not names:
            return []
        old = self._old_manifest()
        ended = set()
        if old is not None:
            ended = {_ASIDE + old.job, _ASIDE + old.job + _OVER}
        for name in sorted(names - ended):
            if name.startswith(_ASIDE):
                import shlex

                unfinished = shlex.quote(os.path.join(self.folder, name))
                raise OutputError(
                    f"{self.folder} holds the unfinished output of another job",
                    hint="If that job does not run any more, remove it:  "
                    f"rm -r {unfinished}",
                )
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
        return [MANIFEST, *sorted(names - {MANIFEST})]

    def _old_manifest(self) -> Manifest | None:
        try:
            with open(os.path.join(self._root, MANIFEST), "rb") as file:
                return Manifest.from_json(file.read())
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return None

    def _check_part(self, part: int, made: PartMade) -> None:
        """Refuse to make visible what is not what the attempt said it wrote."""
        if part not in self._winners:
            raise Bug(f"part {part} was made but never committed")
        path = self._aside_path(part, "committed", self._winners[part])
        with told_about(self.folder):
            size_bytes = os.path.getsize(path)
        if size_bytes != made.size_bytes:
            raise OutputError(
                f"part {part} of {self.folder} has {size_bytes:,} bytes; "
                f"{made.size_bytes:,} were written",
                hint="Is something else writing or cleaning up there? Run it again.",
            )

    def _write_manifest(
        self, path: str, entries: list[PartEntry], told: dict[str, Any]
    ) -> None:
        import platform

        from mincer import __version__

        versions = {"mincer": __version__, "python": platform.python_version()}
        manifest = Manifest(self.format, tuple(entries), versions | told)
        with open(path, "wb") as file:
            file.write(manifest.to_json())
            file.flush()
            os.fsync(file.fileno())

    def _move(self, source: str, target: str) -> None:
        # Noted first: Ctrl-C may come between, and what is not noted cannot come back.
        self._moved.append((source, target))
        os.rename(source, target)

    def _remove_aside(self) -> None:
        # What counts is done, or an error is on its way that must not be hidden. A
        # straggler that still writes may keep the folder from going: its name begins
        # with "_", so no reader looks into it.
        import shutil

        # Who works on another machine may not have heard yet that all is over, and must
        # not put anything into a folder that is just being emptied.
        over = self._aside + _OVER
        with contextlib.suppress(OSError):
            os.rename(self._aside, over)
        for folder in (over, self._aside):
            shutil.rmtree(folder, ignore_errors=True)


class WrittenPart(Struct):
    """Reads one part file from its start; small, and works in any process that can open
    it."""

    path: str
    format: str

    def __call__(self) -> Iterator[Columns]:
        try:
            with open(self.path, "rb") as file:
                for offset, data in read_chunks(file, self.format, self.path):
                    yield decode(self.format, data, self.path, offset)
        except OSError as error:
            raise InputError(
                f"cannot read the output {self.path}: {error.strerror}",
                hint="Was it moved or removed after the job had written it?",
            ) from error


def _missing_folders(path: str) -> Iterator[str]:
    """`path` and the folders above it that do not exist, outermost first."""
    if not os.path.lexists(path):
        yield from _missing_folders(os.path.dirname(path))
        yield path


def _sync_folder(path: str) -> None:
    """Make renames in a folder durable. Windows has no such thing and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
