"""The input of one job as its coordinator sees it: files, splits, who has which."""

from __future__ import annotations

from collections.abc import Iterator

from mincer.core import events
from mincer.core.events import Event
from mincer.ids import JobId
from mincer.net.same_file import ONLY_DRIVER
from mincer.net.survey import Survey
from mincer.wire import frames

__all__ = ["Intake"]


class Intake:
    """What the driver has told of the input so far. A repetition adds nothing."""

    def __init__(self, job: JobId) -> None:
        self._job = job
        self.files: list[frames.FileTold] = []
        self.splits: list[frames.SplitRow] = []
        self.has_ended = False
        #: Whether workers are still asked which files they have.
        self.survey = Survey()
        #: Splits of which `core` knows, and if it knows that no more come.
        self._handed, self._is_end_told = 0, False
        #: The workers that have each file, as far as they have said.
        self._holders: dict[int, set[int]] = {}

    def add_files(self, first: int, files: list[frames.FileTold]) -> bool:
        """True if others than the driver may have some of them."""
        if first != len(self.files):
            return False
        self.files += files
        return any(map(self._is_real, range(first, len(self.files))))

    def add_splits(self, first: int, splits: list[frames.SplitRow]) -> bool:
        """True if they are new."""
        if self.has_ended or first != len(self.splits):
            return False
        self.splits += splits
        return True

    # --- what `core` is told

    def events(self, now: float) -> Iterator[Event]:
        """What `core` is to be told of the input, as far as it has come."""
        if not self._is_new or self.survey.waits(now):
            return
        first, some = self._handed, self.splits[self._handed :]
        if some:
            self._handed += len(some)
            sizes = tuple(row.size_bytes for row in some)
            homes = tuple(map(self._home, some))
            matter = any(home >= 0 for home in homes)
            yield events.SplitsAdded(self._job, first, sizes, homes if matter else ())
        if self.has_ended and not self._is_end_told:
            self._is_end_told = True
            yield events.InputEnded(self._job)

    @property
    def deadline(self) -> float | None:
        """When to ask for `events` again, if nothing happens before."""
        return self.survey.deadline if self._is_new else None

    @property
    def _is_new(self) -> bool:
        is_more = self._handed < len(self.splits)
        return is_more or (self.has_ended and not self._is_end_told)

    def _home(self, row: frames.SplitRow) -> int:
        """The file that tells where a split had best be read: its first; -1: none."""
        file = row.extents[0].file if row.extents else -1
        return file if self._is_real(file) else -1

    def _is_real(self, file: int) -> bool:
        is_known = 0 <= file < len(self.files)
        return is_known and self.files[file].digest != ONLY_DRIVER

    # --- who has what

    def found(self, worker: int, frame: frames.FilesFound) -> tuple[int, ...]:
        """The homes that this worker has, of the files that it has looked for."""
        self.survey.answered(worker, frame.files)
        bits = int.from_bytes(frame.bits, "little")
        looked = range(frame.first, frame.first + frame.files)
        homes = tuple(
            file
            for n, file in enumerate(looked)
            if bits >> n & 1 and self._is_real(file)
        )
        for file in homes:
            self._holders.setdefault(file, set()).add(worker)
        return homes

    def forget(self, worker: int) -> None:
        """This worker is gone."""
        self.survey.forget(worker)
        for holders in self._holders.values():
            holders.discard(worker)

    def spans(self, workers: set[int]) -> list[tuple[int, int, int]]:
        """The file, start and end of all input that not each of these workers can read
        where it lies."""
        found = {
            (extent.file, extent.start, extent.end): None
            for split in self.splits
            for extent in split.extents
            if not workers or not workers <= self._holders.get(extent.file, set())
        }
        return list(found)
