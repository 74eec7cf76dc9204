"""Functions of the C library that Python has no name for, where the system has them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache

__all__ = ["c_function"]


@cache
def c_function(name: str, types: str) -> Callable[..., int] | None:
    """The function of this name, or None where there is none.

    `types`: those of its arguments, in the letters of `struct`: `i` an int, `I` an
    unsigned int, `q` a number of 64 bits, `N` a size.
    """
    import ctypes

    known = {
        "i": ctypes.c_int,
        "I": ctypes.c_uint,
        "q": ctypes.c_int64,
        "N": ctypes.c_size_t,
    }
    with suppress(AttributeError, OSError, TypeError):  # the last: on Windows
        found = ctypes.CDLL(None)[name]
        found.argtypes = tuple(known[letter] for letter in types)
        return found
    return None
