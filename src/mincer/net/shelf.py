"""What attempts of one job made, as files that are kept here: laid out for others."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from mincer.errors import SegmentError
from mincer.flow.run import cut_out
from mincer.ids import AttemptId, JobId, TaskId
from mincer.net.offers import Bytes, NotHere, Outputs, Piece
from mincer.store.disk import FileCache, Place, PlaceReader
from mincer.store.holes import punch_holes
from mincer.wire import pulls
from mincer.wire.frames import attempt_of
from mincer.wire.pulls import Thing

__all__ = ["Shelf"]


class Shelf:
    """The outputs of one job, for who has its `token` (empty: nobody). `parts`: how
    many each step has, where that is known."""

    def __init__(
        self,
        job: JobId,
        token: bytes,
        files: FileCache,
        parts: Sequence[int] | None = None,
    ) -> None:
        self._parts = parts
        self._job = job
        self.token = token
        self._files = files
        self._places: dict[AttemptId, Place] = {}

    def put(self, attempt: AttemptId, place: Place) -> None:
        """Keep what this attempt made."""
        self._places[attempt] = place

    def place(self, attempt: AttemptId) -> Place:
        """Where it lies. Raises `SegmentError` if it is not here."""
        place = self._places.get(attempt)
        if place is None:
            lost = SegmentError(f"the output of {attempt} is not here any more")
            lost.segment = attempt
            raise lost
        return place

    def discard(self, attempt: AttemptId) -> None:
        """Nobody will ask for this output: give back its room, if the system can."""
        place = self._places.pop(attempt, None)
        if place is not None and place.length_bytes:
            end = place.offset + place.length_bytes
            punch_holes(place.path, [(place.offset, end)])

    def release(self, step: int) -> None:
        """Nobody will ask for what the maps of this step made."""
        for attempt in list(self._places):
            if attempt.task[1:3] == (step, "map"):
                self.discard(attempt)

    def find(self, thing: Thing) -> Outputs:
        """Lay out what is asked for, or raise `NotHere`."""
        if not self.token or not compare_digest(thing.token, self.token):
            raise NotHere("the token is not that of the job")
        if isinstance(thing, pulls.OutputOf):
            try:
                place = self.place(attempt_of(self._job, thing.attempt))
            except SegmentError as error:
                raise NotHere(error.what) from None
            return [[Piece(PlaceReader(place, self._files), 0, place.length_bytes)]]
        if isinstance(thing, pulls.SegmentsOf):
            return self._segments(thing)
        raise NotHere("here are outputs and nothing else")

    def _segments(self, thing: pulls.SegmentsOf) -> Outputs:
        if not self._has_part(thing):
            raise NotHere("there is no such part in the job")
        outputs: Outputs = []
        lost: list[tuple[int, int]] = []
        why = ""
        for index, number in thing.maps:
            task = TaskId(self._job, thing.step, "map", index)
            try:
                place = self.place(AttemptId(task, number))
                reader = PlaceReader(place, self._files)
                part = cut_out(reader, thing.part, thing.parts)
            except SegmentError as error:
                lost.append((index, number))
                why = error.what
                continue
            pieces = [Piece(reader, *extent) for extent in part.extents]
            tail = Piece(Bytes(part.tail), 0, len(part.tail))
            outputs.append([*pieces, tail])
        if lost:
            raise NotHere(why, lost)
        return outputs

    def _has_part(self, thing: pulls.SegmentsOf) -> bool:
        parts = self._parts
        if parts is not None:
            is_step = thing.step < len(parts)
            return is_step and thing.part < thing.parts == parts[thing.step]
        return thing.part < thing.parts
