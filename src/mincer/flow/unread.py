"""Keys that the user's mapfn does not read are not made."""

# Strategy: `def mapfn(key, line)` seldom looks at its key, and to make one, the offset
# of a line, takes 40 to 70 ns: 3 % of all that a line of words takes. Whether a
# function of Python reads an argument stands in its bytecode. What a look there cannot
# tell counts as reading: a class or a method, an argument that an inner function uses,
# names that reach into frames, and a text that names the argument, as those who search
# the frame of their caller are given (`frame.query("size > @key")`). An attempt that
# checks each record, and the inline runner, make all keys.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from opcode import opname
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from mincer.codec.imports import nested_codes

__all__ = ["UNREAD", "reads_key"]

#: Whoever calls one of these may see arguments that no instruction names.
_LOOKING = frozenset(
    {
        *("locals", "vars", "dir", "eval", "exec", "breakpoint", "set_trace"),
        *("_getframe", "currentframe", "stack", "f_locals", "f_back", "gi_frame"),
    }
)
#: How many local variables an instruction names: two share its argument, 4 bits each.
_NAMED = [name.count("_FAST") for name in opname]

_known: WeakKeyDictionary[FunctionType, bool] = WeakKeyDictionary()


class _Unread:
    def __repr__(self) -> str:
        return "<a key that was not made, since mapfn does not read it>"


#: Stands for every key that is not read.
UNREAD = _Unread()


def reads_key(mapfn: Any) -> bool:
    """False when nothing can depend on the first argument of `mapfn`."""
    if type(mapfn) is not FunctionType:
        return True
    reads = _known.get(mapfn)
    if reads is None:
        reads = _known[mapfn] = _may_read_first(mapfn)
    return reads


def _may_read_first(function: FunctionType) -> bool:
    code = function.__code__
    if not code.co_argcount:
        return True
    name = code.co_varnames[0]
    if name in code.co_cellvars or _names_first(code.co_code):
        return True
    return any(
        not _LOOKING.isdisjoint((*inner.co_names, *inner.co_freevars))
        or any(
            name in text for text in _texts(inner.co_consts) if text != function.__doc__
        )
        for inner in nested_codes(code)
    )


def _names_first(instructions: bytes, named: Sequence[int] = _NAMED) -> bool:
    """Does one of these name the local variable 0? `named[op]`: how many it names."""
    for op, argument in zip(instructions[::2], instructions[1::2], strict=True):
        count = named[op]
        if count and not (argument if count == 1 else argument >> 4 and argument & 15):
            return True
    return False


def _texts(constants: Iterable[Any]) -> Iterator[str]:
    """All of them that are texts, also in tuples."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple | frozenset):
            yield from _texts(constant)
