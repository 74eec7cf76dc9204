"""One fixed function of a key, the same in every process, run, machine and Python.

`key_hash` agrees with equality: keys that are equal have equal hashes, whatever
their types. `part_of` is where a key goes; a table of both is pinned in the tests.
"""

# Strategy: Python's own hash of numbers is fixed and agrees across types (1, 1.0, True,
# Fraction(1), Decimal(1) are one key), so numbers use it; its hash of text is salted,
# so text and bytes use crc32 (7 GB/s here, where xxh3 would cost a dependency). What is
# made of parts is folded from the hashes of its parts. An object of a class that we
# know nothing of but that it can be hashed and compared gets the hash of its class:
# correct, since equality decides in the end, but all such keys meet in one part.
# `__mincer_key__` is the way out: a method that returns a plain key that is equal when
# the object is.

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from mincer.errors import BadKeyError, preview

__all__ = [
    "NAN",
    "bucket_count",
    "canonical",
    "key_hash",
    "key_hashes",
    "part_of",
]

#: The one NaN that stands for all.
NAN = float("nan")

#: Bucket counts: primes, so that ids that are multiples of 64 do not meet in one part.
_PRIMES = (251, 1021, 4093, 16381, 65521)

#: More parts than this are refused (each part is a file, a task and an index entry).
PARTS_MAX = 32_000

_MASK = (1 << 61) - 1
_FOLD = 1_000_003
_TUPLE_SEED = 0x7475706C
_NAN_HASH = 0x7FF8
_crc32 = zlib.crc32


def bucket_count(parts: int) -> int:
    """How many buckets the key space has when it is cut into `parts` parts."""
    return next(prime for prime in _PRIMES if prime >= 2 * parts)


def part_of(key: Any, parts: int) -> int:
    """The part of `key`, in `range(parts)`: a contiguous range of buckets each."""
    buckets = bucket_count(parts)
    return key_hash(key) % buckets * parts // buckets


def canonical(key: Any) -> Any:
    """Return `key` with every NaN in it, also inside tuples, made the same object."""
    if type(key) is tuple:
        for item in key:
            if type(item) is tuple or item != item:
                return tuple(map(canonical, key))
        return key
    return NAN if key != key else key


def key_hashes(keys: list[Any], kinds: set[type]) -> list[int]:
    """The hashes of a column of keys whose exact types are `kinds`.

    The same as `key_hash` of each; by column, text costs 90 ns and not 250.
    """
    if kinds == {str}:
        return _hashes_of_text(keys)
    if kinds == {bytes}:
        return list(map(_crc32, keys))
    if kinds <= {int, bool}:
        return list(map(hash, keys))
    if kinds == {tuple} and len(set(map(len, keys))) == 1:
        hashes = [_TUPLE_SEED] * len(keys)
        for column in zip(*keys, strict=True):
            items = list(column)
            own = key_hashes(items, set(map(type, items)))
            hashes = [
                (x := (so_far * _FOLD + one) & _MASK) ^ (x >> 29)
                for so_far, one in zip(hashes, own, strict=True)
            ]
        return hashes
    return list(map(key_hash, keys))


def _hashes_of_text(keys: list[str]) -> list[int]:
    joined = "\n".join(keys)
    if joined.count("\n") == len(keys) - 1:
        return list(map(_crc32, _encode(joined).split(b"\n")))
    return [_crc32(_encode(key)) for key in keys]


def _encode(text: str) -> bytes:
    # Lone surrogates are legal in a str and so in a key.
    return text.encode("utf-8", "surrogatepass")


def key_hash(key: Any) -> int:
    """A fixed hash of `key`; raise `BadKeyError` for what cannot be a key."""
    kind = type(key)
    if kind is str:
        return _crc32(key.encode("utf-8", "surrogatepass"))
    if kind is int or kind is float or kind is bool:
        # hash(-1) is hash(-2): they meet in one bucket and are told apart by equality.
        return _NAN_HASH if key != key else hash(key)
    if kind is bytes:
        return _crc32(key)
    if key is None:
        return 0x4E6F6E65
    if kind is tuple:
        return _fold(_TUPLE_SEED, map(key_hash, key))
    return _hash_of_other(key)


def _fold(seed: int, hashes: Iterable[int]) -> int:
    result = seed
    for one in hashes:
        result = (result * _FOLD + one) & _MASK
        result ^= result >> 29
    return result


def _inherits(kind: type, method: str, base: type) -> bool:
    """True when `kind` has this method of `base`, and none of its own."""
    same: bool = getattr(kind, method) is getattr(base, method)
    return same


def _hash_of_other(key: Any) -> int:
    """The hash of what is not one of the common exact types."""
    kind = type(key)
    hook: Callable[[Any], Any] | None = getattr(kind, "__mincer_key__", None)
    if hook is not None:
        return key_hash(hook(key))
    if kind.__hash__ is None:
        raise BadKeyError(
            f"a key of type {kind.__name__} cannot be hashed: {preview(key)}",
            hint=_unhashable_hint(kind),
        )
    if isinstance(key, str) and _inherits(kind, "__eq__", str):
        return _crc32(_encode(str.__str__(key)))
    if isinstance(key, bytes) and _inherits(kind, "__eq__", bytes):
        return _crc32(bytes(key))
    if isinstance(key, tuple) and _inherits(kind, "__eq__", tuple):
        return _fold(_TUPLE_SEED, map(key_hash, key))
    if isinstance(key, Enum) and _inherits(kind, "__hash__", Enum):
        return _crc32(f"{kind.__qualname__}.{key.name}".encode())
    if isinstance(key, frozenset):
        return sum(map(key_hash, key)) & _MASK
    if _inherits(kind, "__hash__", object):
        raise BadKeyError(
            f"a key of type {kind.__name__} is told apart by identity: two that look "
            f"alike would be two keys: {preview(key)}",
            hint=f"Give {kind.__name__} __eq__ and __hash__, as a frozen dataclass.",
        )
    if key != key:
        return _NAN_HASH
    return _hash_of_value(key)


def _hash_of_value(key: Any) -> int:
    """The hash of numbers, dates and data classes, and the class for the rest."""
    from numbers import Number

    kind = type(key)
    if isinstance(key, Number):
        return hash(key)
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is not None and _made_by_dataclass(kind):
        compared = (f.name for f in fields.values() if f.compare)
        hashes = (key_hash(getattr(key, name)) for name in compared)
        return _fold(_crc32(kind.__qualname__.encode()), hashes)
    if kind.__module__ == "datetime":
        return _hash_of_datetime(key)
    return _crc32(_root_of_equality(kind).__qualname__.encode())


def _made_by_dataclass(kind: type) -> bool:
    """True when `==` and `hash` are the ones that `dataclass` wrote: by its fields."""
    for name in ("__eq__", "__hash__"):
        code = getattr(getattr(kind, name, None), "__code__", None)
        if name not in vars(kind) or code is None or code.co_filename != "<string>":
            return False
    return True


def _hash_of_datetime(key: Any) -> int:
    """Equal instants are equal keys, whatever their time zones."""
    import datetime

    if isinstance(key, datetime.datetime):
        offset = key.utcoffset()
        key = key.replace(tzinfo=None, fold=0) - (offset or datetime.timedelta())
        return _crc32(str(key).encode())
    if isinstance(key, datetime.time):
        return _crc32(b"time")
    if isinstance(key, datetime.timedelta):
        return hash(key)
    return _crc32(str(key).encode())


def _root_of_equality(kind: type) -> type:
    """The class whose `__eq__` decides: its subclasses may be equal to one another."""
    return next(c for c in kind.__mro__ if "__eq__" in vars(c))


def _unhashable_hint(kind: type) -> str:
    instead = {list: "tuple(key)", dict: "tuple(sorted(key.items()))"}
    if kind in instead:
        return f"Yield {instead[kind]} instead."
    if kind is set:
        return "Yield frozenset(key) instead."
    return f"Give {kind.__name__} a __hash__, or yield a str, number or tuple of it."
