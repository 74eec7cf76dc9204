"""What a reducer is given: the values of one key, in memory or in a file."""

# Strategy: in memory it is a list that refuses an index: 2 % dearer than a list, where
# a wrapper object would cost 90 ns a key. The index is refused because the values of a
# large key lie in a file: a reducer that worked on small data only by indexing would
# fail on large. When the reducer returned, values that it kept are made to say so.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from mincer.errors import UserCodeError

__all__ = ["FileValues", "Values", "close_values"]

_ITERATE = "Iterate over it, as often as you like, or make a list of it:  list(values)"
_KEPT = "Make what you need of it before you return:  list(values)"


def _refuse_index(self: object, index: object) -> NoReturn:
    raise UserCodeError(
        "values cannot be indexed: they may be larger than memory and lie in a file",
        hint=_ITERATE,
    )


def _refuse_pickle(self: object, *_: object) -> NoReturn:
    raise UserCodeError(
        "the result of the reducer holds `values` itself, which end with the call",
        hint=_KEPT,
    )


class Values(list[Any]):
    """The values of one key; sized, iterable any number of times, not indexable."""

    __slots__ = ()
    __getitem__ = _refuse_index
    __reduce_ex__ = _refuse_pickle
    __reduce__ = _refuse_pickle


class _ClosedValues(list[Any]):
    """Values that were kept after the reducer returned."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise UserCodeError(
            "`values` was used after the reducer had returned", hint=_KEPT
        )

    __iter__ = __len__ = __bool__ = __contains__ = _refuse
    __getitem__ = __eq__ = _refuse
    __hash__ = None
    __reduce_ex__ = _refuse_pickle

    def __repr__(self) -> str:
        return "<values of a reducer that returned>"


def close_values(values: Values | FileValues) -> None:
    """The reducer returned: whoever still holds `values` is told so when he uses it.

    60 ns a key. Asking first if anybody holds it (`sys.getrefcount`) would be cheaper,
    but what that counts changes with the Python and with each generator on the way.
    """
    if isinstance(values, FileValues):
        values.close()
    else:
        object.__setattr__(values, "__class__", _ClosedValues)


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
            raise UserCodeError(
                "`values` was used after the reducer had returned", hint=_KEPT
            )
        return self._chunks

    def close(self) -> None:
        self._chunks = None

    __getitem__ = _refuse_index
    __reduce_ex__ = _refuse_pickle
