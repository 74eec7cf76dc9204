"""The tasks of a job in a worker of an engine: map, reduce, sample."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from mincer.codec import functions
from mincer.context import Context
from mincer.flow.budget import Budget
from mincer.flow.mapper import Inexact
from mincer.flow.part import BlockPart
from mincer.flow.ports import PartWriter, SegmentReader
from mincer.flow.stages import (
    MapAttempt,
    Program,
    RecordError,
    cut_sample,
    map_task,
    reduce_task,
    sample_split,
)
from mincer.ids import AttemptId, TaskId
from mincer.runners.engine.opened import opened
from mincer.runners.engine.parcel import (
    Account,
    Input,
    MadePart,
    Parcel,
    Piece,
    group_bounds,
)
from mincer.runners.engine.parts import accounts_of
from mincer.runners.engine.pieces import (
    Arrivals,
    BytesReader,
    HeldFile,
    cut_pieces,
)
from mincer.runners.engine.place import folder, install, is_shared
from mincer.runners.engine.tries import alone, tried
from mincer.sources.base import Split
from mincer.store.disk import DiskScratch, Place
from mincer.worker.loaded import load_code
from mincer.worker.orders import AttemptMade, JobCode

__all__ = ["Tasks", "group_of"]

#: Tells how far an attempt is, and may raise to stop it.
Publish = Callable[[int, int], None]

#: Jobs whose code is kept loaded.
_JOBS_MAX = 4
_codes: OrderedDict[tuple[str, int], JobCode] = OrderedDict()


class Tasks:
    """The tasks of one job, in this process.

    `budget`: made for each attempt; `publish`: called now and then.
    """

    def __init__(
        self,
        parcel: Parcel,
        budget: Callable[[], Budget],
        publish: Publish = lambda ordinal, done: None,
    ) -> None:
        self._parcel = parcel
        self._budget = budget
        self._publish = publish

    # --- maps

    def pieces(
        self, step: int, index: int, source: Input | Split, cuts: bytes | None
    ) -> Iterator[Piece]:
        """Map one split; yield a piece for each group of parts, empty ones too."""
        parcel = self._parcel
        groups, parts = parcel.groups[step], parcel.parts[step]
        with closing(HeldFile(folder())) as output:
            account = self.map_into(output, step, index, source, cuts)
            found = cut_pieces(output, parts)
            part, chunks = next(found, (parts, []))
            for group in range(groups):
                piece = Piece(index, {})
                while part < parts and group_of(part, groups, parts) == group:
                    piece.outputs[part] = chunks[0]
                    part, chunks = next(found, (parts, []))
                if group == index % groups:
                    piece.accounts.extend([*accounts_of(source), account])
                yield piece

    def map_into(
        self,
        output: HeldFile,
        step: int,
        index: int,
        source: Input | Split,
        cuts: bytes | None,
    ) -> Account:
        """Map one split; leave what is to be shuffled in `output`."""
        task = TaskId(self._parcel.job, step, "map", index)

        def make(attempt: MapAttempt, program: Program, number: int) -> AttemptMade:
            output.begin()
            made = map_task(program, attempt, output, None)
            place = Place("", 0, output.length_bytes)
            return AttemptMade(AttemptId(task, number), place, made.digest, made)

        return self._map(task, source, cuts, make)

    def map_part(
        self, output: HeldFile, step: int, index: int, source: Input | Split
    ) -> MadePart:
        """Map one split whose pairs are not shuffled: a part, in the sink or left in
        `output` as blocks."""
        task = TaskId(self._parcel.job, step, "map", index)
        sinks: list[int | None] = [None]

        def make(attempt: MapAttempt, program: Program, number: int) -> AttemptMade:
            attempt.context.part = index
            with self._written(step, index, output) as (writer, sinks[0]):
                made = map_task(program, attempt, None, writer)
            return AttemptMade(AttemptId(task, number), None, made.digest, made)

        account = self._map(task, source, None, make)
        part = account.made.made.part if account.made.made is not None else None
        assert part is not None
        return MadePart(task, part, sinks[0], [*accounts_of(source), account])

    def _map(
        self,
        task: TaskId,
        source: Input | Split,
        cuts: bytes | None,
        make: Callable[[MapAttempt, Program, int], AttemptMade],
    ) -> Account:
        def once(number: int, skip: frozenset[int]) -> AttemptMade:
            code = self._code(task.step)
            program = code.program(None if cuts is None else pickle.loads(cuts))
            try:
                return self._mapped(task, number, source, skip, program, make, False)
            except Inexact:
                return self._mapped(task, number, source, skip, program, make, True)

        return tried(task, self._parcel, once)

    def _mapped(
        self,
        task: TaskId,
        number: int,
        source: Input | Split,
        skip: frozenset[int],
        program: Program,
        make: Callable[[MapAttempt, Program, int], AttemptMade],
        exact: bool,
    ) -> AttemptMade:
        code = self._code(task.step)
        context = Context(code.job_name, task, number + 1, params=code.params)
        with context, opened(source) as split:
            context.split, context.tag = str(split), split.tag
            attempt = MapAttempt(
                records=split,
                tag=split.tag,
                budget=self._budget(),
                context=context,
                publish=self._publish,
                skip=skip,
                records_max=code.records_max,
                exact=exact,
            )
            made = make(attempt, program, number)
        made.counters = context.counters
        return made

    def part(
        self, step: int, index: int, source: Input | Split
    ) -> tuple[MadePart, bytes]:
        """Map one split whose pairs are not shuffled; the part, and its blocks."""
        with closing(HeldFile(folder())) as output:
            return self.map_part(output, step, index, source), output.all()

    # --- reduces

    def group(
        self, step: int, group: int, pieces: Sequence[Piece], cuts: bytes | None
    ) -> Iterator[tuple[MadePart, bytes]]:
        """Reduce the parts of a group, of one piece a map: each part and its blocks."""
        pieces = sorted(pieces, key=_index)
        accounts = [account for piece in pieces for account in piece.accounts]

        def readers(part: int) -> list[SegmentReader]:
            return [
                BytesReader(piece.index, piece.outputs[part])
                for piece in pieces
                if part in piece.outputs
            ]

        return self._reduced(step, group, readers, accounts, cuts)

    def arrived(
        self,
        step: int,
        group: int,
        arrivals: Arrivals,
        accounts: list[Account],
        cuts: bytes | None,
    ) -> Iterator[tuple[MadePart, bytes]]:
        """The same, of pieces that were put aside."""
        return self._reduced(step, group, arrivals.readers, accounts, cuts)

    def _reduced(
        self,
        step: int,
        group: int,
        readers: Callable[[int], list[SegmentReader]],
        accounts: list[Account],
        cuts: bytes | None,
    ) -> Iterator[tuple[MadePart, bytes]]:
        parcel = self._parcel
        for part in group_bounds(group, parcel.groups[step], parcel.parts[step]):
            with closing(HeldFile(folder())) as output:
                made = self.reduce(output, step, part, readers(part), accounts, cuts)
                data = output.all()
            yield made, data
            accounts = []

    def reduce(
        self,
        output: HeldFile,
        step: int,
        part: int,
        readers: Sequence[SegmentReader],
        accounts: list[Account],
        cuts: bytes | None,
    ) -> MadePart:
        """Reduce one part, into the sink or into `output`. `accounts`: of maps, that
        came with what is read."""
        task = TaskId(self._parcel.job, step, "reduce", part)
        sinks: list[int | None] = [None]

        def once(number: int, skip: frozenset[int]) -> AttemptMade:
            code = self._code(step)
            program = code.program(None if cuts is None else pickle.loads(cuts))
            context = Context(code.job_name, task, number + 1, params=code.params)
            context.part = part
            scratch = DiskScratch(folder())
            try:
                with context, self._written(step, part, output) as (writer, sinks[0]):
                    made = reduce_task(
                        program,
                        part,
                        readers,
                        writer,
                        scratch,
                        self._budget(),
                        self._publish,
                    )
            finally:
                scratch.close()
            return AttemptMade(AttemptId(task, number), None, 0, made, context.counters)

        account = tried(task, self._parcel, once)
        assert account.made.made is not None
        assert account.made.made.part is not None
        made = account.made.made.part
        return MadePart(task, made, sinks[0], [*accounts, account])

    # --- samples

    def sample(self, step: int, source: Input | Split, splits: int) -> bytes:
        """Keys of one of the `splits` that are looked at, for `cuts`."""
        task = TaskId(self._parcel.job, step, "sample", 0)

        def keys(attempt: MapAttempt, program: Program, number: int) -> AttemptMade:
            found.extend(sample_split(program, attempt, splits))
            return AttemptMade(AttemptId(task, number), None, 0, None)

        found: list[Any] = []
        with alone(task):
            program = self._code(step).program()
            try:
                self._mapped(task, 0, source, frozenset(), program, keys, False)
            except (RecordError, Inexact):
                # The map that has this record tells it better, or leaves it out.
                found = []
            return functions.dump_value(found)

    def cuts(self, step: int, samples: Iterable[bytes]) -> bytes:
        """The cut points that follow from what the `sample`s found."""
        with alone(TaskId(self._parcel.job, step, "sample", 0)):
            program = self._code(step).program()
            keys = [key for sample in samples for key in pickle.loads(sample)]
            return functions.dump_value(cut_sample(program, keys))

    # --- what they share

    def _code(self, step: int) -> JobCode:
        parcel = self._parcel
        code = _codes.get((parcel.job, step))
        if code is None:
            install(parcel.packed.modules)
            code = _codes[parcel.job, step] = load_code(parcel.packed.codes[step])
            while len(_codes) > _JOBS_MAX:
                _codes.popitem(last=False)
        return code

    @contextmanager
    def _written(
        self, step: int, part: int, output: HeldFile
    ) -> Iterator[tuple[PartWriter, int | None]]:
        """Where a part goes: into the sink, under a number of its own, or `output`."""
        sink = self._code(step).sink
        if sink is None or not self.sees_sink():
            output.begin()
            yield BlockPart(output), None
            return
        # An engine may run the same twice at once, and tells neither of the other.
        number = int.from_bytes(os.urandom(4), "big")
        writer = sink.open(part, number)
        try:
            yield writer, number
        except BaseException:
            writer.abort()
            raise

    def sees_sink(self) -> bool:
        """True when this process writes parts where they belong."""
        token = self._parcel.token
        return token is not None and is_shared(token)


def _index(piece: Piece) -> int:
    return piece.index


def group_of(part: int, groups: int, parts: int) -> int:
    """The group that a part belongs to: the other way round as `group_bounds`."""
    return ((part + 1) * groups - 1) // parts
