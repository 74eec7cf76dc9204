"""What a reducer is given: the values of one key, in memory or in a file."""

# Strategy: in memory it is a list that refuses an index: 2 % dearer than a list, where
# a wrapper object would cost 90 ns a key. The index is refused because the values of a
# large key lie in a file: a reducer that worked on small data only by indexing would
# fail on large. When the reducer returned, values that it kept are made to say so.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from mincer.errors import UserCodeError

__all__ = [
    "ENDING",
    "PLAIN",
    "FileValues",
    "Values",
    "check_kept",
    "close_values",
    "ended",
]

_ITERATE = "Iterate over it, as often as you like, or make a list of it:  list(values)"
_set = object.__setattr__
_KEPT = "Make what you need of it before you return:  list(values)"


def _refuse_index(self: object, index: object) -> NoReturn:
    raise UserCodeError(
        "values cannot be indexed: they may be larger than memory and lie in a file",
        hint=_ITERATE,
    )


def _refuse_kept(self: object, *_: object) -> NoReturn:
    raise UserCodeError(
        "`values` was kept after the reducer had returned, and it ends with the call",
        hint=_KEPT,
    )


class Values(list[Any]):
    """The values of one key; sized, iterable any number of times, not indexable."""

    __slots__ = ()
    __getitem__ = _refuse_index
    __reduce_ex__ = _refuse_kept
    __reduce__ = _refuse_kept


class _ClosedValues(list[Any]):
    """Values that were kept after the reducer returned."""

    __slots__ = ()

    __iter__ = __len__ = __bool__ = __contains__ = _refuse_kept
    __getitem__ = __eq__ = __reduce_ex__ = _refuse_kept
    __hash__ = None

    def __repr__(self) -> str:
        return "<values of a reducer that returned>"


def close_values(values: Values | FileValues) -> None:
    """The reducer returned: whoever still holds `values` is told so when he uses it.

    60 ns a key. Asking first if anybody holds it (`sys.getrefcount`) would be cheaper,
    but what that counts changes with the Python and with each generator on the way.
    """
    if type(values) is Values:
        _set(values, "__class__", _ClosedValues)
    elif isinstance(values, FileValues):
        values.close()


class FileValues:
    """The values of one large key: sized, iterable any number of times.

    `chunks()` reads them again from the start, as lists in order.
    """

    def __init__(self, count: int, chunks: Callable[[], Iterator[list[Any]]]) -> None:
        self._count = count
        self._chunks: Callable[[], Iterator[list[Any]]] | None = chunks

    def __len__(self) -> int:
        self._open()
        return self._count

    def __iter__(self) -> Iterator[Any]:
        # Checked now and not at the first value: a generator would be late.
        return self._iterate(self._open())

    def _iterate(self, chunks: Callable[[], Iterator[list[Any]]]) -> Iterator[Any]:
        for chunk in chunks():
            self._open()
            yield from chunk

    def _open(self) -> Callable[[], Iterator[list[Any]]]:
        if self._chunks is None:
            _refuse_kept(self)
        return self._chunks

    def close(self) -> None:
        self._chunks = None

    __getitem__ = _refuse_index
    __reduce_ex__ = _refuse_kept


#: What a reducefn may not return: it ends with the call.
ENDING = (Iterator, Values, FileValues)

#: Types that are none of these: to ask an abstract class costs 150 ns.
PLAIN = frozenset({int, float, str, bytes, bool, type(None), tuple, list, dict, set})


def ended(result: object) -> UserCodeError:
    """The error about a reducefn that returned one of `ENDING`."""
    what = f"an iterator ({type(result).__name__})"
    if isinstance(result, Values | FileValues):
        what = "`values` itself"
    return UserCodeError(
        f"reducefn returned {what}, which ends with the call",
        hint="Return what is in it, such as list(values).",
    )


def check_kept(result: object) -> None:
    """Refuse a result with `values` in it, in whatever depth of containers.

    For who does not pickle the result; pickling refuses it by itself, and in objects
    of the user's too.
    """
    todo: list[Any] = [result]
    seen: set[int] = set()
    for one in todo:
        if isinstance(one, Values | _ClosedValues | FileValues):
            _refuse_kept(one)
        if (
            isinstance(one, list | tuple | set | frozenset | dict)
            and id(one) not in seen
        ):
            seen.add(id(one))
            todo += one
            todo += one.values() if isinstance(one, dict) else ()
