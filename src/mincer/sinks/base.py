"""The contract of a sink: parts are written aside and become visible together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mincer.errors import OutputError
from mincer.flow.ports import PartMade, PartWriter

__all__ = ["Sink"]


class Sink(ABC):
    """Where the output of a job goes. Made and checked on the driver, then pickled:
    `open` is called in the children, everything else on the driver."""

    #: False when what is written does not tell the keys: then a writer may be given
    #: None for each, which saves putting them in order.
    writes_keys = True

    @abstractmethod
    def check(self) -> None:
        """Refuse what cannot work (the folder holds something), before any work."""

    @abstractmethod
    def prepare(self, job: str) -> None:
        """Make the place aside for this job. Called once, before the first `open`."""

    @abstractmethod
    def open(self, part: int, attempt: int) -> PartWriter:
        """Start one attempt at one part. Several attempts at a part may be open at
        once, in different processes, and none may disturb another."""

    @property
    def shared_folder(self) -> str | None:
        """Where `open` writes, from the root on, once it is prepared. On a machine that
        sees the same folder, children `open` the sink there; parts that are made
        elsewhere are sent to the driver, and written there. None: all are."""
        return None

    def has_part(self, part: int, attempt: int, size_bytes: int) -> bool:
        """True when an attempt on another machine left a part of this size in the
        shared folder, so that it can be committed."""
        return False

    @contextmanager
    def writing(self, job: str) -> Iterator[None]:
        """The body makes the output; when it raises, nothing is left of that."""
        self.check()
        try:
            self.prepare(job)
            yield
        except BaseException:
            self.abort_job()
            raise

    def write_part(
        self, part: int, columns: Iterable[tuple[list[Any], list[Any]]]
    ) -> PartMade:
        """Write and commit a part whose pairs are here, on the driver."""
        writer = self.open(part, 0)
        try:
            for keys, values in columns:
                writer.write(keys, values)
            made = writer.close()
        except BaseException:
            writer.abort()
            raise
        if not self.commit_part(part, 0):
            raise OutputError(f"part {part} of the output is gone or damaged")
        return made

    @abstractmethod
    def commit_part(self, part: int, attempt: int) -> bool:
        """Name the attempt that counts; True when its output is there and whole.

        Called again for the same attempt after a doubt: the answer is the same.
        """

    @abstractmethod
    def commit_job(self, parts: dict[int, PartMade], manifest: dict[str, Any]) -> None:
        """Make all committed parts visible, the manifest last. Afterwards nothing
        that a straggler does can change what people see."""

    @abstractmethod
    def abort_job(self) -> None:
        """Remove everything that is not visible. Allowed at any time, twice too."""

    @property
    @abstractmethod
    def paths(self) -> list[str]:
        """The part files, in order; known after `commit_job`."""

    @abstractmethod
    def readers(self) -> list[Callable[[], Iterator[tuple[list[Any], list[Any]]]]]:
        """One function a part, in order, that reads it from its start, as columns of
        keys and values of bounded size; after `commit_job`."""
