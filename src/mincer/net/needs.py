"""What a worker may have to bring before an attempt can begin, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from mincer.structs import Struct
from mincer.wire.rows import CommitRow, Extent, OutputName, StartRow

__all__ = [
    "MAPS_MAX",
    "Code",
    "Cuts",
    "Input",
    "Modules",
    "Output",
    "Packet",
    "Segments",
    "ToldStep",
    "What",
]

#: Maps whose outputs are pulled together: their names have to fit into a message.
MAPS_MAX = 10_000


class Code(Struct):
    """The functions and options of a step."""

    step: int


class Modules(Struct):
    """The user's own modules."""

    digest: bytes


class Packet(Struct):
    """Some splits, as the driver packed them."""

    packet: int


class Cuts(Struct):
    """The cut points of a step: what a sample attempt has made."""

    step: int
    output: OutputName


class Output(Struct):
    """What an attempt of the step before has made."""

    output: OutputName


class Input(Struct):
    """Bytes of an input file that is not on this machine."""

    extent: Extent


class Segments(Struct):
    """What maps have made for a part, of all that one member keeps: the nth of them
    that are pulled together."""

    keeper: int
    nth: int


What: TypeAlias = Code | Modules | Packet | Cuts | Output | Input | Segments


class ToldStep:
    """Which outputs of a step count, as the coordinator has told so far."""

    def __init__(self) -> None:
        #: The sample attempt that found the cut points.
        self.cuts: OutputName | None = None
        self._commits: list[CommitRow] = []
        self._withdrawals: list[int] = []

    def add_commits(self, first: int, rows: list[CommitRow]) -> None:
        assert first == len(self._commits)
        self._commits += rows

    def add_withdrawals(self, first: int, numbers: list[int]) -> None:
        assert first == len(self._withdrawals)
        self._withdrawals += numbers

    def commits(self, row: StartRow) -> Iterator[CommitRow]:
        """The commits that a reduce reads."""
        without = frozenset(self._withdrawals[: row.withdrawals])
        for number, commit in enumerate(self._commits[: row.commits]):
            if number not in without:
                yield commit

    def segments(
        self, row: StartRow, is_here: Callable[[CommitRow], bool]
    ) -> Iterator[Segments]:
        """What a reduce needs that is not here."""
        counts = Counter(one.keeper for one in self.commits(row) if not is_here(one))
        for keeper in sorted(counts):
            for nth in range(-(-counts[keeper] // MAPS_MAX)):
                yield Segments(keeper, nth)

    def maps(
        self, row: StartRow, some: Segments, is_here: Callable[[CommitRow], bool]
    ) -> list[tuple[int, int]]:
        """The maps (index, number of the attempt) of these segments."""
        found = [
            (commit.index, commit.number)
            for commit in self.commits(row)
            if commit.keeper == some.keeper and not is_here(commit)
        ]
        return found[some.nth * MAPS_MAX : (some.nth + 1) * MAPS_MAX]
