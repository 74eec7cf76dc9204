"""The pairs that a job made: read lazily, part after part, as often as one likes."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeAlias

from mincer.errors import JobError, OrderError, UsageError, Where, preview
from mincer.flow.ports import Batch
from mincer.runners.report import Report
from mincer.sinks.base import Sink
from mincer.sources.base import Extent, Source, Split, Spool
from mincer.sources.copies import open_input

__all__ = [
    "Columns",
    "HeldPart",
    "PartPairs",
    "PartSplit",
    "ReadPart",
    "Results",
    "results_of",
]

#: Two columns of one length: keys and values.
Columns: TypeAlias = tuple[list[Any], list[Any]]
#: Reads one part from its start, in blocks of bounded size. One with `stored_at()` is
#: small to pickle and works in any process: its data is on disk, in these extents.
ReadPart: TypeAlias = Callable[[], Iterator[Columns]]

_BLOCK_PAIRS = 8192


class Results:
    """The output of a finished job, in the order of its parts.

    Holds no pair in memory: each iteration reads them again. What it reads lives until
    `close()`, the end of a `with`, or the end of the process, whichever is first.
    """

    def __init__(
        self,
        parts: Sequence[ReadPart],
        pairs: int,
        counters: Mapping[str, int],
        report: Report,
        paths: Sequence[str] = (),
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """`on_close` is called once, at the latest when the process ends; it may not
        refer to this object, or that would be the earliest too."""
        self._parts = tuple(parts)
        self._pairs = pairs
        self.counters: Mapping[str, int] = MappingProxyType(dict(counters))
        self.report = report
        if paths and report.output is None:
            report.output = os.path.dirname(paths[0])
        #: The part files, when an output folder was asked for.
        self.paths = list(paths)
        self._finalizer = weakref.finalize(self, on_close or _nothing)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return _pairs(self.columns())

    def columns(self) -> Iterator[Columns]:
        """Yield the pairs as blocks of two columns, which is faster than one by one."""
        self._check_open()
        return self._read(self._parts)

    @property
    def parts(self) -> tuple[PartPairs, ...]:
        """The parts one by one, each an iterable of its pairs."""
        return tuple(PartPairs(self, part) for part in self._parts)

    def __len__(self) -> int:
        return self._pairs

    def to_dict(self) -> dict[Any, Any]:
        """All pairs as a dict; an error when a key comes twice, as a dict would lose
        one of them without a word. All of it must fit in memory."""
        result: dict[Any, Any] = {}
        for keys, values in self.columns():
            before = len(result)
            try:
                result.update(zip(keys, values, strict=True))
            except TypeError as error:
                raise JobError(
                    f"a key of the output cannot be the key of a dict: {error}",
                    hint="Iterate over the results, or take list(results).",
                ) from error
            if len(result) != before + len(keys):
                raise self._twice()
        return result

    def _twice(self) -> JobError:
        seen = set()
        for key, _ in self:
            if key in seen:
                break
            seen.add(key)
        return JobError(
            f"the key {preview(key)} comes more than once, and a dict would keep one",
            hint="Iterate over the results, or take list(results).",
        )

    def top(self, n: int = 10) -> list[tuple[Any, Any]]:
        """The `n` pairs with the largest values, largest first, ties by key.

        Keeps `n` pairs and one block in memory. NaN counts as the smallest value.
        """
        if type(n) is not int or n < 0:
            raise UsageError(f"top(n): n must be an int, at least 0, not {preview(n)}")
        best: list[_Ranked] = []
        for keys, values in self.columns():
            ranked: Iterable[_Ranked] = map(_Ranked, keys, values)
            if n and len(best) == n:
                last = best[-1]
                ranked = (one for one in ranked if one < last)
            best = sorted([*best, *ranked])[:n]
        return [(one.key, one.value) for one in best]

    def as_source(self) -> Source:
        """These pairs as the input of another job; a split is a part."""
        self._check_open()
        return ResultsSource(self)

    def close(self) -> None:
        """Remove what lies in the spill folder. Allowed twice; iterating is over."""
        self._finalizer()

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed, " if self.closed else ""
        return f"<Results: {state}{self._pairs:,} pairs in {len(self._parts)} parts>"

    def _read(self, parts: Iterable[ReadPart]) -> Iterator[Columns]:
        for part in parts:
            for columns in part():
                self._check_open()
                yield columns

    def _check_open(self) -> None:
        if self.closed:
            raise UsageError(
                "these results were closed: their pairs are gone",
                hint="Read them before close() or the end of the with, "
                "or keep them with output=DIR.",
            )


class PartPairs:
    """The pairs of one part; iterates any number of times while the results live."""

    def __init__(self, results: Results, read: ReadPart) -> None:
        self._results = results
        self._part = read

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        self._results._check_open()
        return _pairs(self._results._read((self._part,)))


class ResultsSource(Source):
    """The pairs of an earlier job, read where its parts are."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self._results = results

    def check(self) -> None:
        self._results._check_open()

    @property
    def size_bytes(self) -> int | None:
        return self._results.report.bytes_written or None

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        parts = self._results._parts
        about = (self.size_bytes or 0) // max(1, len(parts))
        for index, part in enumerate(parts):
            written = self._split_of_written(part)
            if written is not None:
                yield written
                continue
            stored: ReadPart = part
            if spool is not None and not hasattr(part, "stored_at"):
                stored = _SpooledPart(part, spool)
            split = PartSplit(f"part {index} of {self._results.report.name}", stored)
            split.tag = self.tag
            split.size_bytes = about
            yield split

    def _split_of_written(self, part: ReadPart) -> Split | None:
        """The split of a part that is a file in an output folder."""
        if not self._results.paths:
            return None
        from mincer.sinks.files import WrittenPart
        from mincer.sources.output import split_of_part

        if not isinstance(part, WrittenPart):
            return None
        return split_of_part(part.path, part.format, self.tag)

    def describe(self) -> str:
        return f"the results of {self._results.report.name}"


class PartSplit(Split):
    """The pairs of one part as records."""

    def __init__(self, title: str, read: ReadPart) -> None:
        self._title = title
        self._part = read

    def extents(self) -> Iterable[Extent]:
        found = getattr(self._part, "stored_at", None)
        return [] if found is None else found()

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        first = 0
        for keys, values in self._part():
            left_out = [one - first for one in skip if 0 <= one - first < len(keys)]
            start = 0
            for stop in [*sorted(left_out), len(keys)]:
                if start < stop:
                    yield self._batch(
                        first, start, keys[start:stop], values[start:stop]
                    )
                start = stop + 1
            first += len(keys)

    def _batch(
        self, first: int, start: int, keys: list[Any], values: list[Any]
    ) -> Batch:
        def locate(index: int) -> Where:
            shown = preview(keys[index]), preview(values[index])
            return Where(self._title, first + start + index, *shown)

        return Batch(first + start, keys, values, 0, locate)

    def __str__(self) -> str:
        return self._title


class HeldPart(PartSplit):
    """What a task of this process made, in memory: a part of the output, and a split
    for the step after."""

    def __init__(self, made_by: str, pairs: list[tuple[Any, Any]]) -> None:
        super().__init__(f"output of {made_by}", self)
        self.pairs = pairs

    def __call__(self) -> Iterator[Columns]:
        for at in range(0, len(self.pairs), _BLOCK_PAIRS):
            block = self.pairs[at : at + _BLOCK_PAIRS]
            yield [key for key, _ in block], [value for _, value in block]


def results_of(parts: Sequence[HeldPart], sink: Sink | None, report: Report) -> Results:
    """Write the parts to the sink, if there is one, and close the account."""
    report.parts = len(parts)
    report.pairs = sum(len(part.pairs) for part in parts)
    if sink is None:
        return Results(parts, report.pairs, report.counters, report)
    made = {n: sink.write_part(n, part()) for n, part in enumerate(parts)}
    report.bytes_written = sum(one.size_bytes for one in made.values())
    sink.commit_job(made, report.as_dict())
    # As with every runner: what was written is what is read.
    readers, paths = sink.readers(), sink.paths
    return Results(readers, report.pairs, report.counters, report, paths)


class _SpooledPart:
    """A part that was copied to a spool file, block by block."""

    def __init__(self, part: ReadPart, spool: Spool) -> None:
        from mincer.codec.blocks import encode_pairs

        self._places = [spool.append(encode_pairs(*columns)) for columns in part()]

    def stored_at(self) -> list[Extent]:
        """What is read."""
        return [
            Extent(path, offset, offset + length, offset + length, -1)
            for path, offset, length in self._places
        ]

    def __call__(self) -> Iterator[Columns]:
        from mincer.codec.blocks import decode_pairs

        for path, offset, length in self._places:
            with open_input(path) as file:
                file.seek(offset)
                data = file.read(length)
            yield decode_pairs(data)


class _Ranked:
    """A pair that is "less" when it comes earlier in `top`."""

    __slots__ = ("key", "value")

    def __init__(self, key: Any, value: Any) -> None:
        self.key = key
        self.value = value

    def __lt__(self, other: _Ranked) -> bool:
        mine, others = self.value, other.value
        if mine != mine or others != others:
            if mine == mine or others == others:
                return bool(mine == mine)
        elif mine != others:
            return bool(_compare(others, mine))
        return bool(_compare(self.key, other.key))


def _compare(one: Any, other: Any) -> Any:
    try:
        return one < other
    except TypeError as error:
        raise OrderError(
            f"{preview(one)} ({type(one).__name__}) and {preview(other)} "
            f"({type(other).__name__}) cannot be put in order",
            hint="Sort by what you want yourself:  sorted(results, key=...)[:10]",
        ) from error


def _pairs(columns: Iterator[Columns]) -> Iterator[tuple[Any, Any]]:
    for keys, values in columns:
        yield from zip(keys, values, strict=True)


def _nothing() -> None:
    """There is nothing to remove."""
