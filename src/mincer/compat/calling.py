"""How functions of mincemeatpy and Kaylee scripts are called: as they were there."""

# This travels with every job of theirs, so what it imports is loaded in every child.

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import BuiltinFunctionType
from typing import Any

from mincer.calls import Pair, checked, user_code

__all__ = ["collecting", "with_data", "with_iterator", "with_list"]

Function = Callable[..., Any]


def collecting(mapfn: Function, collectfn: Function | None) -> Function:
    """A mapfn whose pairs go through mincemeatpy's collectfn.

    Not our combinefn, which may run any number of times: this one ran once for each key
    of each record, so it may turn the values into something else, as `len` does.
    """
    if collectfn is None:
        return mapfn
    return partial(_collected, mapfn, collectfn)


def _collected(
    mapfn: Function, collectfn: Function, key: Any, value: Any
) -> Iterator[Pair]:
    found: dict[Any, list[Any]] = {}
    for one, made in checked(mapfn, keyed=True)(key, value):
        found.setdefault(one, []).append(made)
    for one, values in found.items():
        with user_code("collectfn"):
            collected = collectfn(one, values)
        yield one, collected


def with_list(reducefn: Function) -> Function:
    """A reducefn that gets a list."""
    return reducefn if _is_ours(reducefn) else partial(_of_list, reducefn)


def with_iterator(reducefn: Function) -> Function:
    """A reducefn that gets an iterator."""
    return reducefn if _is_ours(reducefn) else partial(_of_iterator, reducefn)


def _is_ours(reducefn: Function) -> bool:
    """True for `sum` and the like, and for classes: neither system took them."""
    return isinstance(reducefn, type | BuiltinFunctionType)


def _of_list(reducefn: Function, key: Any, values: Any) -> Any:
    return reducefn(key, list(values))


def _of_iterator(reducefn: Function, key: Any, values: Any) -> Any:
    return reducefn(key, iter(values))


def with_data(mapfn: Function) -> Function:
    """A mapfn that gets Kaylee's data: what `.bytes` and `.buffer` are read from."""
    return partial(_of_data, mapfn)


def _of_data(mapfn: Function, key: Any, value: Any) -> Any:
    kind = _DATA.get(type(value))
    return mapfn(key, value if kind is None else kind(value))


class _Bytes(bytes):
    """Bytes that can be asked for as a message of ZeroMQ was."""

    @property
    def bytes(self) -> bytes:
        return self[:]

    @property
    def buffer(self) -> memoryview:
        return memoryview(self)


class _Text(str):
    """Text that can be asked for so. It stays text: in the Python of those scripts both
    were one, and what they compare its words with is text now."""

    __slots__ = ()

    @property
    def bytes(self) -> str:
        return self[:]


_DATA: dict[type, type] = {bytes: _Bytes, str: _Text}
