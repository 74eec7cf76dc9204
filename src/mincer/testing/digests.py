"""One short text that tells whether two jobs made the same pairs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Set
from enum import Enum
from numbers import Number
from typing import Any

from mincer.errors import UsageError, preview

__all__ = ["digest"]


def digest(pairs: Iterable[tuple[Any, Any]], ordered: bool = False) -> str:
    """Return the SHA-256 of all pairs, in any order or, if `ordered`, in this one.

    Keys that are one key (1, 1.0 and True; all NaNs) count as the same; values must
    agree in their types too. Holds the canonical bytes of all pairs in memory.
    """
    rows = [_row(key, value) for key, value in pairs]
    if not ordered:
        rows.sort()
    whole = hashlib.sha256()
    for row in rows:
        whole.update(row)
    return whole.hexdigest()


def _row(key: Any, value: Any) -> bytes:
    return _sized(_canonical(key, exact=False)) + _sized(_canonical(value, exact=True))


def _sized(data: bytes) -> bytes:
    """`data` behind its length, so that what is joined cannot be read in two ways."""
    return b"%d:%b" % (len(data), data)


def _canonical(item: Any, *, exact: bool) -> bytes:
    """Bytes that are equal when items are; `exact`: and only if their types are."""
    if item is None:
        return b"None"
    if isinstance(item, str):
        return _typed(item, str, exact) + item.encode("utf-8", "surrogatepass")
    if isinstance(item, bytes | bytearray):
        return _typed(item, bytes, exact) + bytes(item)
    if isinstance(item, Enum):
        return f"{type(item).__qualname__}.{item.name}".encode()
    if isinstance(item, Number):
        return _number(item, exact)
    if isinstance(item, tuple | list):
        inner = [_canonical(one, exact=exact) for one in item]
        return _typed(item, tuple, exact) + b"".join(map(_sized, inner))
    if isinstance(item, Set):
        inner = sorted(_canonical(one, exact=exact) for one in item)
        return _typed(item, frozenset, exact) + b"".join(map(_sized, inner))
    if isinstance(item, Mapping):
        inner = sorted(
            _sized(_canonical(key, exact=False)) + _sized(_canonical(one, exact=exact))
            for key, one in item.items()
        )
        return _typed(item, dict, exact) + b"".join(inner)
    if hasattr(item, "__dict__"):
        state = _canonical(vars(item), exact=exact)
        return type(item).__qualname__.encode() + b"!" + state
    text = repr(item)
    if " at 0x" in text:
        raise UsageError(
            f"digest() cannot tell what is in {preview(item)}",
            hint="Its repr shows an address; give its class a __repr__.",
        )
    return text.encode()


def _typed(item: object, plain: type, exact: bool) -> bytes:
    return (type(item) if exact else plain).__name__.encode() + b"!"


def _number(item: Any, exact: bool) -> bytes:
    if item != item:
        return b"nan"
    if exact:
        text = item.hex() if isinstance(item, float) else repr(item)
        return f"{type(item).__name__}!{text}".encode()
    if isinstance(item, complex):
        return repr(item).encode() if item.imag else _number(item.real, exact)
    if math.isinf(item):
        return repr(float(item)).encode()
    # What is equal has one fraction: 1, 1.0, True and Decimal("1.0") are 1/1.
    return repr(item.as_integer_ratio()).encode()
