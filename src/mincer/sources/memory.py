"""`items`: the records are objects of the driver's program."""

# Strategy: the records travel in batches, which the driver makes while the workers
# already read the first. How large a batch is depends on the items alone, never on
# time, so that the same input gives the same splits: one item each while there are
# few (each may be an hour of work), up to about a MiB or 10,000 when there are many.
# An item is too small to be pickled alone, so a batch is; its size is foreseen from
# the batch before.

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import GeneratorType
from typing import Any

from mincer.codec.tracebacks import user_frames
from mincer.errors import InputError, ShipError, UsageError, Where, preview
from mincer.flow.ports import Batch
from mincer.sources.base import Extent, Source, Split, Spool
from mincer.sources.file_source import check_tag
from mincer.sources.splits import runs
from mincer.sources.spooled import Spooled

__all__ = ["ItemSource", "ItemSplit", "is_mapping"]

_BATCH_ITEMS_MAX = 10_000
_BATCH_BYTES = 2**20

#: So many splits of an input whose length is known; enough for any number of cores.
_SPLITS = 256
#: Of an unknown length: a batch is this share of what came before it.
_SHARE = 32
#: A batch has at most so many times the items of the one before: what was learned of
#: their sizes may be wrong for the next.
_GROWTH = 8

Columns = tuple[Sequence[Any], list[Any]]


def is_mapping(obj: Any) -> bool:
    """True for what is read as `obj[key] for key in obj`: a dict, or what is like one.

    A class with `__iter__` and `__getitem__` is enough, if it is no sequence and no
    array (there both mean something else).
    """
    kind = type(obj)
    return isinstance(obj, Mapping) or (
        hasattr(kind, "__iter__")
        and hasattr(kind, "__getitem__")
        and not isinstance(obj, Sequence)
        and not hasattr(kind, "__array__")
    )


class ItemSource(Source):
    """See `mincer.sources.items`."""

    def __init__(self, obj: Any, *, tag: str | None = None) -> None:
        super().__init__(tag=check_tag(tag))
        if isinstance(obj, str | bytes | bytearray) or not hasattr(obj, "__iter__"):
            raise UsageError(
                f"items: {preview(obj)} is no list, mapping or iterable of pairs",
                hint="A path is read by mincer.sources.text(path).",
            )
        self._obj = obj
        self._started = False

    def check(self) -> None:
        obj = self._obj
        ended = isinstance(obj, GeneratorType) and obj.gi_frame is None
        if ended or (self._started and iter(obj) is obj):
            raise InputError(
                f"the {type(obj).__name__} was used up: it gives its items once",
                hint="Make a new one for each run, or keep the items in a list.",
            )

    @property
    def size_bytes(self) -> int | None:
        return None

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        self.check()
        self._started = True
        first, items, size = 0, 0, 0
        reading = _reading(self._obj)
        total = _length(self._obj)
        while True:
            count = _count(first, total, items, size)
            keys, values, shallow_bytes = _take(reading, first, count)
            if not values:
                return
            items = len(values)
            columns: Columns = (keys, values)
            if isinstance(self._obj, list | tuple):
                columns = (range(first, first + items), values)
            held: Spooled | Columns = columns
            size = shallow_bytes
            if spool is not None:
                data = _pickled(columns, first)
                size = len(data)
                held = Spooled(*spool.append(data))
            yield ItemSplit(held, first, items, size, self.tag)
            first += items

    def describe(self) -> str:
        return f"items of a {type(self._obj).__name__}"


class ItemSplit(Split):
    """Some consecutive items: here, or where the driver put them."""

    def __init__(
        self,
        held: Spooled | Columns,
        first: int,
        count: int,
        size_bytes: int,
        tag: str | None,
    ) -> None:
        self._held = held
        self.first = first
        self.count = count
        self.size_bytes = size_bytes
        self.tag = tag

    def extents(self) -> Iterable[Extent]:
        return [self._held.extent()] if isinstance(self._held, Spooled) else []

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        held = self._held
        keys, values = pickle.loads(held.load()) if isinstance(held, Spooled) else held
        for start, stop in runs(0, self.count, skip):
            size = self.size_bytes * (stop - start) // self.count
            locate = _Locate(self.first + start)
            yield Batch(start, keys[start:stop], values[start:stop], size, locate)

    def __str__(self) -> str:
        if self.count == 1:
            return f"item {self.first}"
        return f"items {self.first}-{self.first + self.count - 1}"


class _Locate:
    """Where the items of a batch stand: at their positions."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __call__(self, index: int) -> Where:
        return Where("item", self._first + index)


def _length(obj: Any) -> int | None:
    # Of our own types only: the `__len__` of a user's may be costly, or wrong.
    return len(obj) if isinstance(obj, list | tuple | dict) else None


def _count(first: int, total: int | None, items: int, size_bytes: int) -> int:
    """How many items the batch from position `first` on may have; `items` and
    `size_bytes` are those of the batch before."""
    wished = first // _SHARE if total is None else -(-total // _SPLITS)
    foreseen = _BATCH_BYTES * items // size_bytes if size_bytes else _GROWTH
    grown = (items or _GROWTH) * _GROWTH
    return max(1, min(wished, foreseen if items else grown, grown, _BATCH_ITEMS_MAX))


def _reading(obj: Any) -> Iterator[tuple[Any, Any]]:
    """The pairs that `obj` means, one at a time; whatever it raises comes through."""
    if isinstance(obj, list | tuple):
        return enumerate(obj)
    if is_mapping(obj):
        return ((key, obj[key]) for key in obj)
    return _pairs(obj)


def _pairs(obj: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for position, item in enumerate(obj):
        if not isinstance(item, tuple) or len(item) != 2:
            raise InputError(
                f"item {position} of the {type(obj).__name__} is not a pair "
                f"(key, value): {preview(item)}",
                where=Where("item", position),
                hint="To number the items: mincer.sources.items(enumerate(x))",
            )
        yield item


def _take(
    reading: Iterator[tuple[Any, Any]], first: int, count: int
) -> tuple[list[Any], list[Any], int]:
    """Up to `count` keys and values, and about how large they are."""
    keys: list[Any] = []
    values: list[Any] = []
    size_bytes = 0
    try:
        for key, value in islice(reading, count):
            keys.append(key)
            values.append(value)
            # Not what it refers to, but of text, bytes and arrays this is all.
            size_bytes += sys.getsizeof(value, 0)
            if size_bytes >= _BATCH_BYTES:
                break
    except InputError:
        raise
    except Exception as error:
        position = first + len(keys)
        raise InputError(
            f"the source raised at item {position}",
            where=Where("item", position),
            user_traceback=user_frames(error),
        ) from error
    return keys, values, size_bytes


def _pickled(columns: Columns, first: int) -> bytes:
    from mincer.codec.functions import dump_value

    try:
        return dump_value(columns)
    except ShipError as error:
        for index, pair in enumerate(zip(*columns, strict=True)):
            try:
                dump_value(pair)
            except ShipError as reason:
                raise _cannot_travel(first + index, pair[1], reason) from error
        raise


def _cannot_travel(position: int, value: Any, reason: ShipError) -> ShipError:
    return ShipError(
        f"item {position}, of type {type(value).__name__}, cannot travel to another "
        f"process: {reason.what}",
        where=Where("item", position, value=preview(value)),
        hint=reason.hint
        or "Give what it is made from (a path, not an open file), and "
        "make it in mapfn.",
        user_traceback=reason.user_traceback,
    )
