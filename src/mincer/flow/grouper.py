"""Bring the values of equal keys together, in memory: of as many passes as fit."""

# Strategy: a key has its value in the dict itself, and a list of values only from its
# second value on: 79 bytes a distinct key instead of 139, at the same speed, and most
# keys have one value when maps have combined. The list is a `Values`, which no value
# can be. Where the reducer is a builtin that folds, its fold runs while the blocks are
# read and no list is made at all.
#
# What the index says that a pass weighs counts a key once for each run that holds it,
# which is too much where maps have keys in common. How much of that is true is seen as
# the table grows, and says if the next pass fits, too. When it did not after all, it is
# taken out again: no key is in two passes, so what came last into the dict is what came
# with it.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Protocol

from mincer.codec.blocks import Block
from mincer.flow.combiner import FOLDS
from mincer.flow.fetcher import Pass
from mincer.flow.weigher import (
    ENTRY_BYTES,
    LIST_BYTES,
    POINTER_BYTES,
    weigh_column,
)
from mincer.values import Values

__all__ = ["Folded", "Groups", "KeyTable", "Unfoldable", "gather"]

#: The next pass may weigh so much more, by what it is said to, than those before it.
_ALIKE = 1.25


class KeyTable(Protocol):
    """Keys with what belongs to them."""

    def __len__(self) -> int: ...

    def add(self, block: Block) -> None: ...

    @property
    def weight_bytes(self) -> float:
        """About how much memory it takes."""
        ...

    def cut(self, keys: int) -> None:
        """Forget all but the first `keys` keys."""
        ...


class _Scale:
    """What an item of some columns weighs on average, of a few of each."""

    def __init__(self) -> None:
        self._items = 0
        self._bytes = 0.0

    def see(self, column: list[Any]) -> None:
        self._items += len(column)
        self._bytes += weigh_column(column) * len(column)

    @property
    def each_bytes(self) -> float:
        return self._bytes / (self._items or 1)


class Groups:
    """The keys of a pass, and the values of each."""

    def __init__(self) -> None:
        #: The value of each key, or its `Values`.
        self._table: dict[Any, Any] = {}
        #: How many keys have `Values`, and how many values there are.
        self._lists = 0
        self.values = 0
        self._key, self._value = _Scale(), _Scale()

    def __len__(self) -> int:
        return len(self._table)

    def add(self, block: Block) -> None:
        keys, counts, values = block
        self._key.see(keys)
        self._value.see(values)
        self.values += len(values)
        table = self._table
        if counts is not None:
            self._add_lists(keys, counts, values)
            return
        for key, value in zip(keys, values, strict=True):
            if key not in table:
                table[key] = value
                continue
            held = table[key]
            if type(held) is Values:
                held.append(value)
            else:
                table[key] = Values((held, value))
                self._lists += 1

    def _add_lists(self, keys: list[Any], counts: list[int], values: list[Any]) -> None:
        table = self._table
        source = iter(values)
        for key, count in zip(keys, counts, strict=True):
            if key not in table:
                if count == 1:
                    table[key] = next(source)
                    continue
                table[key] = held = Values()
                self._lists += 1
            else:
                held = table[key]
                if type(held) is not Values:
                    table[key] = held = Values((held,))
                    self._lists += 1
            held.extend(islice(source, count))

    @property
    def weight_bytes(self) -> float:
        of_value = self._value.each_bytes
        of_key = self._key.each_bytes + of_value + ENTRY_BYTES
        further = max(0, self.values - len(self._table))
        return (
            len(self._table) * of_key
            + self._lists * LIST_BYTES
            + further * (of_value + POINTER_BYTES)
        )

    def cut(self, keys: int) -> None:
        while len(self._table) > keys:
            _, held = self._table.popitem()
            if type(held) is Values:
                self.values -= len(held)
                self._lists -= 1
            else:
                self.values -= 1

    @property
    def keys(self) -> list[Any]:
        """All keys, in the order in which they came."""
        return list(self._table)

    def take(self, keys: list[Any]) -> list[Any]:
        """For each of `keys`, which are all of them in whatever order, its value, or
        its `Values` if it has several. They are no longer kept here."""
        return _taken(self._table, keys)


class Unfoldable(Exception):
    """These values must be reduced all at once, not one by one."""


class Folded:
    """The keys of a pass, and what a builtin has made of the values of each so far.

    A sum of floats is refused (`Unfoldable`): since Python 3.12 `sum` adds them more
    exactly than `+`.
    """

    def __init__(self, reducefn: Callable[..., Any]) -> None:
        self._reducefn = reducefn
        self._table: dict[Any, Any] = {}
        self._key, self._value = _Scale(), _Scale()

    def __len__(self) -> int:
        return len(self._table)

    def add(self, block: Block) -> None:
        keys, counts, values = block
        self._key.see(keys)
        self._value.see(values)
        if self._reducefn is len:
            ones = counts or [1] * len(keys)
            FOLDS[sum](self._table, zip(keys, ones, strict=True))
            return
        if self._reducefn is sum and not set(map(type, values)) <= {int}:
            raise Unfoldable
        pairs = zip(_spread(keys, counts), values, strict=True)
        FOLDS[self._reducefn](self._table, pairs)

    @property
    def weight_bytes(self) -> float:
        each = self._key.each_bytes + self._value.each_bytes + ENTRY_BYTES
        return len(self._table) * each

    def cut(self, keys: int) -> None:
        while len(self._table) > keys:
            self._table.popitem()

    @property
    def keys(self) -> list[Any]:
        """All keys, in the order in which they came."""
        return list(self._table)

    def take(self, keys: list[Any]) -> list[Any]:
        """What there is for each of `keys`, which are all of them in whatever order.
        It is no longer kept here."""
        return _taken(self._table, keys)


def gather(
    table: KeyTable,
    passes: Sequence[Pass],
    read: Callable[[Pass], Iterable[Block]],
    room_bytes: float,
) -> int:
    """Fill an empty `table` with as many of the first `passes` as fit into the room;
    return how many these are. `read(one)`: the blocks of a pass."""
    said = 0
    for taken, one in enumerate(passes):
        before = table.weight_bytes
        if taken:
            true = min(1.0, before / said * _ALIKE)
            if before + one.weight_bytes * true > room_bytes:
                return taken
        keys = len(table)
        for block in read(one):
            table.add(block)
            if table.weight_bytes > room_bytes:
                table.cut(keys)
                return taken
        said += one.weight_bytes
    return len(passes)


def _taken(table: dict[Any, Any], keys: list[Any]) -> list[Any]:
    values = list(map(table.__getitem__, keys))
    table.clear()
    return values


def _spread(keys: list[Any], counts: list[int] | None) -> Iterable[Any]:
    """Each key as often as it has values."""
    if counts is None:
        return keys
    return (key for key, count in zip(keys, counts, strict=True) for _ in range(count))
