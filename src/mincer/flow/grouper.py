"""Bring the values of equal keys together, in memory."""

# Strategy: the first value of a key goes into one dict and only further ones into
# lists: 79 bytes a distinct key instead of 139, at the same speed, and most keys have
# one value when maps have combined. Where the reducer is a builtin that folds, its fold
# runs while the blocks are read and no list is made at all.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from mincer.codec.blocks import Block
from mincer.flow.combiner import FOLDS
from mincer.values import Values

__all__ = ["Groups", "fold_blocks", "group_blocks"]


class Groups:
    """The keys of a pass, and the values of each."""

    def __init__(self) -> None:
        self._first: dict[Any, Any] = {}
        self._more: defaultdict[Any, list[Any]] = defaultdict(list)

    def add(self, block: Block) -> None:
        first, more = self._first, self._more
        keys, counts, values = block
        if counts is None:
            for key, value in zip(keys, values, strict=True):
                if key in first:
                    more[key].append(value)
                else:
                    first[key] = value
            return
        source = iter(values)
        for key, count in zip(keys, counts, strict=True):
            if key not in first:
                first[key] = next(source)
                count -= 1
            if count:
                more[key].extend(islice(source, count))

    @property
    def keys(self) -> list[Any]:
        return list(self._first)

    def take(self, keys: Iterable[Any]) -> Iterator[tuple[Any, Values]]:
        """Yield each of `keys` with its values, which are no longer kept here."""
        pop_first, pop_more = self._first.pop, self._more.pop
        for key in keys:
            values = Values((pop_first(key),))
            more = pop_more(key, None)
            if more is not None:
                values += more
            yield key, values


def group_blocks(blocks: Iterable[Block]) -> Groups:
    """Group all of `blocks`, which fit into memory."""
    groups = Groups()
    for block in blocks:
        groups.add(block)
    return groups


def fold_blocks(
    blocks: Iterable[Block], reducefn: Callable[..., Any]
) -> dict[Any, Any] | None:
    """Reduce `blocks` by a builtin while they are read; None where it cannot be done.

    A sum of floats cannot: since Python 3.12 `sum` adds them more exactly than `+`.
    """
    table: dict[Any, Any] = {}
    if reducefn is len:
        for keys, counts, _ in blocks:
            FOLDS[sum](table, zip(keys, counts or [1] * len(keys), strict=True))
        return table
    fold = FOLDS[reducefn]
    for keys, counts, values in blocks:
        if reducefn is sum and not set(map(type, values)) <= {int}:
            return None
        fold(table, zip(_spread(keys, counts), values, strict=True))
    return table


def _spread(keys: list[Any], counts: list[int] | None) -> Iterable[Any]:
    """Each key as often as it has values."""
    if counts is None:
        return keys
    return (key for key, count in zip(keys, counts, strict=True) for _ in range(count))
