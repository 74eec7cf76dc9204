"""What every sink must do: a class of pytest test methods, one a promise."""

# Strategy: the five properties that make a committer right, whatever crashes: Complete
# (what was committed is all there), Exclusive (and nothing else), Concurrent (whatever
# the order of commits), Abortable (before the commit of the job, all can be undone) and
# Continuity (after it, nothing that comes late shows). Each has tests with its name.

from __future__ import annotations

import contextlib
import itertools
import pickle
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mincer.errors import MincerError
from mincer.flow.ports import PartMade, PartWriter
from mincer.sinks.base import Sink

__all__ = ["SinkSuite"]

Pairs: TypeAlias = list[tuple[Any, Any]]

_JOB = "0123456789abcdef0123456789abcdef"
_TOLD = {"job": _JOB, "name": "suite", "counters": {"seen": 3}}


class SinkSuite(ABC):
    """Every promise that a sink makes. Derive a class and give it the sink:

    class TestMine(mincer.testing.SinkSuite):
        def make(self, tmp_path):
            return MySink(tmp_path / "out")

        def seen(self, sink):
            ...
    """

    #: False for a sink that stays in its process.
    ships = True

    @abstractmethod
    def make(self, tmp_path: Path) -> Sink:
        """A new sink for the same place, each time; it must hold words and counts."""

    @abstractmethod
    def seen(self, sink: Sink) -> Pairs | None:
        """The pairs that people see at the sink's place now, in the order of the parts;
        None when they do not see a finished output. Do not ask the sink: look."""

    # --- the life of an output

    def test_what_was_written_is_seen_and_read(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        parts = _write_and_commit(sink, {0: [("a", 1), ("b", 2)], 1: [("c", 3)]})
        sink.commit_job(parts, _TOLD)
        assert self.seen(sink) == [("a", 1), ("b", 2), ("c", 3)]
        assert _read(sink) == [[("a", 1), ("b", 2)], [("c", 3)]]
        assert _read(sink) == [[("a", 1), ("b", 2)], [("c", 3)]]

    def test_pairs_come_in_the_order_of_many_writes(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        writer = sink.open(0, 0)
        for n in range(100):
            writer.write([f"k{n}"], [n])
        made = writer.close()
        assert made.pairs == 100
        assert sink.commit_part(0, 0)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [(f"k{n}", n) for n in range(100)]

    def test_parts_may_be_empty(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        sink.commit_job(_write_and_commit(sink, {0: [], 1: [("a", 1)], 2: []}), _TOLD)
        assert self.seen(sink) == [("a", 1)]
        assert _read(sink) == [[], [("a", 1)], []]

    def test_a_job_may_have_no_parts(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        sink.commit_job({}, _TOLD)
        assert self.seen(sink) == []
        assert sink.paths == []
        assert sink.readers() == []

    def test_the_digest_tells_what_was_written(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        one = _write(sink, 0, 0, [("a", 1), ("b", 2)])
        same = _write(sink, 0, 1, [("a", 1), ("b", 2)])
        other = _write(sink, 0, 2, [("a", 1), ("b", 3)])
        assert one == same
        assert one.pairs == 2
        assert one.digest != other.digest

    def test_a_place_that_is_taken_is_refused(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        sink.commit_job(_write_and_commit(sink, {0: [("a", 1)]}), _TOLD)
        with pytest.raises(MincerError):
            sink.check()
        assert self.seen(sink) == [("a", 1)]

    def test_children_write_through_a_copy(self, tmp_path: Path) -> None:
        if not self.ships:
            pytest.skip("this sink stays in its process")
        sink = self._prepared(tmp_path)
        copy: Sink = pickle.loads(pickle.dumps(sink))
        made = _write(copy, 0, 0, [("a", 1)])
        assert sink.commit_part(0, 0)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [("a", 1)]

    # --- Complete

    def test_complete_every_committed_part_is_seen(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        data: dict[int, Pairs] = {part: [(f"k{part}", part)] for part in range(12)}
        sink.commit_job(_write_and_commit(sink, data), _TOLD)
        assert self.seen(sink) == [(f"k{part}", part) for part in range(12)]

    def test_complete_an_attempt_that_is_not_whole_is_refused(
        self, tmp_path: Path
    ) -> None:
        sink = self._prepared(tmp_path)
        writer = sink.open(0, 0)
        writer.write(["a"], [1])
        assert not sink.commit_part(0, 0)
        assert not sink.commit_part(0, 7)
        made = writer.close()
        assert sink.commit_part(0, 0)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [("a", 1)]

    def test_complete_a_commit_in_doubt_may_be_repeated(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        made = _write(sink, 0, 3, [("a", 1)])
        assert sink.commit_part(0, 3)
        assert sink.commit_part(0, 3)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [("a", 1)]

    # --- Exclusive

    def test_exclusive_nothing_is_seen_before_the_job_is_committed(
        self, tmp_path: Path
    ) -> None:
        sink = self._prepared(tmp_path)
        assert self.seen(sink) is None
        parts = _write_and_commit(sink, {0: [("a", 1)]})
        assert self.seen(sink) is None
        sink.commit_job(parts, _TOLD)
        assert self.seen(sink) == [("a", 1)]

    def test_exclusive_only_the_attempt_that_was_named_is_seen(
        self, tmp_path: Path
    ) -> None:
        sink = self._prepared(tmp_path)
        _write(sink, 0, 0, [("lost", 0)])
        made = _write(sink, 0, 1, [("won", 1)])
        _write(sink, 0, 2, [("lost", 2)])
        assert sink.commit_part(0, 1)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [("won", 1)]

    def test_exclusive_the_first_attempt_that_was_named_stays(
        self, tmp_path: Path
    ) -> None:
        sink = self._prepared(tmp_path)
        made = _write(sink, 0, 0, [("first", 1)])
        _write(sink, 0, 1, [("second", 2)])
        assert sink.commit_part(0, 0)
        assert not sink.commit_part(0, 1)
        assert sink.commit_part(0, 0)
        sink.commit_job({0: made}, _TOLD)
        assert self.seen(sink) == [("first", 1)]

    def test_exclusive_an_aborted_attempt_cannot_be_named(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        writer = sink.open(0, 0)
        writer.write(["a"], [1])
        writer.abort()
        writer.abort()
        closed = sink.open(0, 1)
        closed.close()
        closed.abort()
        assert not sink.commit_part(0, 0)
        assert not sink.commit_part(0, 1)

    # --- Concurrent

    def test_concurrent_attempts_do_not_disturb_one_another(
        self, tmp_path: Path
    ) -> None:
        sink = self._prepared(tmp_path)
        writers = {
            (part, attempt): sink.open(part, attempt)
            for part in range(3)
            for attempt in range(3)
        }
        for step in range(5):
            for (part, attempt), writer in writers.items():
                writer.write([f"{part}/{step}"], [attempt])
        writers[1, 0].abort()
        made = {at: one.close() for at, one in writers.items() if at != (1, 0)}
        assert all(sink.commit_part(part, 2) for part in range(3))
        sink.commit_job({part: made[part, 2] for part in range(3)}, _TOLD)
        expected = [(f"{part}/{step}", 2) for part in range(3) for step in range(5)]
        assert self.seen(sink) == expected

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_concurrent_commits_may_come_in_any_order(
        self, tmp_path: Path, order: tuple[int, ...]
    ) -> None:
        sink = self._prepared(tmp_path)
        made = {part: _write(sink, part, 0, [(f"k{part}", part)]) for part in order}
        assert all(sink.commit_part(part, 0) for part in reversed(order))
        sink.commit_job(made, _TOLD)
        assert self.seen(sink) == [("k0", 0), ("k1", 1), ("k2", 2)]

    # --- Abortable

    @pytest.mark.parametrize("stage", ["new", "prepared", "open", "closed", "named"])
    def test_abortable_at_any_time_and_twice(self, tmp_path: Path, stage: str) -> None:
        sink = self.make(tmp_path)
        if stage != "new":
            sink.prepare(_JOB)
        late = sink.open(0, 0) if stage == "open" else None
        if late is not None:
            late.write(["a"], [1])
        if stage in ("closed", "named"):
            _write(sink, 0, 0, [("a", 1)])
        if stage == "named":
            assert sink.commit_part(0, 0)
        sink.abort_job()
        sink.abort_job()
        if late is not None:
            late.abort()
        assert self.seen(sink) is None

    def test_abortable_another_job_may_have_the_place(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        _write_and_commit(sink, {0: [("a", 1)], 1: [("b", 2)]})
        sink.abort_job()
        again = self.make(tmp_path)
        again.check()
        again.prepare(_JOB[::-1])
        again.commit_job(_write_and_commit(again, {0: [("c", 3)]}), _TOLD)
        assert self.seen(again) == [("c", 3)]

    def test_abortable_no_more_once_the_job_is_committed(self, tmp_path: Path) -> None:
        sink = self._prepared(tmp_path)
        sink.commit_job(_write_and_commit(sink, {0: [("a", 1)]}), _TOLD)
        sink.abort_job()
        assert self.seen(sink) == [("a", 1)]

    # --- Continuity

    @pytest.mark.parametrize("end", ["committed", "aborted"])
    def test_continuity_a_straggler_changes_nothing(
        self, tmp_path: Path, end: str
    ) -> None:
        sink = self._prepared(tmp_path)
        late = sink.open(0, 0)
        late.write(["late"], [0])
        parts = _write_and_commit(sink, {0: [("a", 1)]}, attempt=1)
        if end == "committed":
            sink.commit_job(parts, _TOLD)
        else:
            sink.abort_job()
        _finish_late(late)
        with contextlib.suppress(MincerError):
            later = sink.open(1, 5)
            _finish_late(later)
        with contextlib.suppress(MincerError):
            sink.commit_part(1, 5)
        assert self.seen(sink) == ([("a", 1)] if end == "committed" else None)

    def _prepared(self, tmp_path: Path) -> Sink:
        sink = self.make(tmp_path)
        sink.check()
        sink.prepare(_JOB)
        return sink


def _write(sink: Sink, part: int, attempt: int, pairs: Pairs) -> PartMade:
    writer = sink.open(part, attempt)
    if pairs:
        writer.write([key for key, _ in pairs], [value for _, value in pairs])
    return writer.close()


def _write_and_commit(
    sink: Sink, data: dict[int, Pairs], attempt: int = 0
) -> dict[int, PartMade]:
    made = {}
    for part, pairs in data.items():
        made[part] = _write(sink, part, attempt, pairs)
        assert sink.commit_part(part, attempt)
    return made


def _finish_late(writer: PartWriter) -> None:
    """Go on writing when the job is over. It may fail; it may not show."""
    try:
        writer.write(["later"], [1])
        writer.close()
    except MincerError:
        writer.abort()


def _read(sink: Sink) -> list[Pairs]:
    return [
        [pair for columns in read() for pair in zip(*columns, strict=True)]
        for read in sink.readers()
    ]
