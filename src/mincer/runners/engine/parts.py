"""A part whose blocks an engine has: read as pairs, and as records of the next step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mincer.flow.part import read_part, records_of
from mincer.flow.ports import Batch
from mincer.runners.engine.parcel import Account, Input, MadePart
from mincer.runners.engine.pieces import BytesReader
from mincer.runners.results import Columns
from mincer.sources.base import Split

__all__ = ["EarlierPart", "accounts_of", "columns_of", "source_of"]


class EarlierPart(Split):
    """The pairs of a part that the step before has made, as records."""

    def __init__(self, made: MadePart, data: bytes | memoryview) -> None:
        self._task = made.task
        self._data = data
        self.size_bytes = len(data)
        #: They go on with what is made of the part.
        self.accounts = made.accounts

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        yield from records_of(columns_of(self._data, self._task), str(self), skip)

    def __str__(self) -> str:
        return f"output of {self._task}"


def columns_of(data: bytes | memoryview, name: object) -> Iterator[Columns]:
    """The pairs of a part whose blocks these are."""
    yield from read_part(BytesReader(name, data))


def source_of(given: tuple[Any, ...]) -> Input | EarlierPart:
    """What a map was given: an input, or a part of the step before with its data."""
    return given[0] if len(given) == 1 else EarlierPart(*given)


def accounts_of(source: Input | Split) -> list[Account]:
    """Those of the steps before, that came with it."""
    return source.accounts if isinstance(source, EarlierPart) else []
