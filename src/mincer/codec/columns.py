"""A column (a list of keys, of values) as bytes, and back, by the type of its items."""

# Strategy: most columns hold one plain type, and by column that costs a fifth of a
# pickle: 500 k words 20 ns an item to encode (pickle 145), 43 to decode. So a column
# is looked at once, `set(map(type, column))`, 12 ns an item. The types must be exact: a
# bool is no int here, an IntEnum no int and a str subclass no str, or they would come
# back as what they are not. Whatever is not plain goes to pickle 5. marshal and
# msgpack were rejected for that: they turn what they do not know (a bytearray
# in a tuple, a tuple) into something else without a word.
#
# A column is one letter that names its way, then the way's own bytes.

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Set
from itertools import chain
from typing import Any, TypeAlias

from mincer.codec.keys import NAN, canonical
from mincer.codec.lines import as_lines
from mincer.errors import SegmentError

__all__ = [
    "Buffers",
    "decode_column",
    "decode_keys",
    "encode_column",
    "is_plain",
    "join_columns",
]

#: Bytes in several places, one after another.
Buffers: TypeAlias = list[bytes | memoryview]

_TEXT, _BYTES, _NUMBERS, _CONSTANT, _TUPLES, _PICKLE = (
    b"s",
    b"b",
    b"n",
    b"c",
    b"t",
    b"p",
)
_WIDTH = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")

#: Wider tuples are rare, and a column each would cost more than a pickle.
_TUPLE_WIDTH_MAX = 16


def encode_column(items: list[Any], kinds: Set[type] | None = None) -> bytes:
    """Encode `items`; raise `ShipError` when one of them cannot leave the process.

    `kinds`: the exact types of the items, where they are known.
    """
    if not items:
        return _NUMBERS + _encode_msgpack(items)
    if kinds is None:
        kinds = set(map(type, items))
    if len(kinds) == 1:
        encode = _ENCODERS.get(*kinds)
        if encode is not None:
            data = encode(items)
            if data is not None:
                return data
    return _PICKLE + _pickled(items)


def join_columns(columns: list[bytes], counts: list[int]) -> Buffers | None:
    """Encoded columns one behind another as one, where that costs less than it saves:
    as the bytes that make it up, one after another.

    `counts`: how many items each holds.
    """
    ways = {column[:1] for column in columns}
    if ways == {_TEXT} or ways == {_BYTES}:
        # The letter of the first is that of all.
        return [columns[0], *[memoryview(column)[1:] for column in columns[1:]]]
    if ways <= {_NUMBERS, _CONSTANT}:
        items = chain.from_iterable(map(decode_column, columns, counts))
        return [encode_column(list(items))]
    return None  # to decode and encode these costs more than a header each


def decode_column(data: bytes | memoryview, count: int) -> list[Any]:
    """Decode a column of `count` items."""
    way, body = bytes(data[:1]), memoryview(data)[1:]
    try:
        decode = _DECODERS[way]
    except KeyError:
        raise SegmentError(
            f"a column begins with {way!r}, which is no column"
        ) from None
    items = decode(body, count)
    if len(items) != count:
        raise SegmentError(f"a column holds {len(items)} items instead of {count}")
    return items


def decode_keys(data: bytes | memoryview, count: int) -> list[Any]:
    """Decode a column of keys: every NaN in it is the one `NAN`."""
    keys = decode_column(data, count)
    return list(map(canonical, keys)) if bytes(data[:1]) == _PICKLE else keys


def is_plain(data: bytes | memoryview) -> bool:
    """True when the length of this column depends on its items alone, not on their
    order or on which of them are the same object."""
    return data[:1] in (_TEXT, _BYTES, _NUMBERS, _CONSTANT)


def _encode_msgpack(items: list[Any]) -> bytes:
    import msgspec  # 15 ms, which a driver that reads no numbers does without

    return msgspec.msgpack.encode(items)


def _decode_msgpack(body: memoryview) -> list[Any]:
    import msgspec

    items: list[Any] = msgspec.msgpack.decode(body)
    return items


def _constant(items: list[Any]) -> bytes | None:
    """A column of one value repeated, such as the 1 of a word count."""
    first = items[0]
    if items[-1] == first and items.count(first) == len(items):
        return _CONSTANT + pickle.dumps(first, 5)
    return None


def _numbers(items: list[Any]) -> bytes | None:
    try:
        return _NUMBERS + _encode_msgpack(items)
    except OverflowError:  # an int beyond 64 bits
        return None


def _integers(items: list[Any]) -> bytes | None:
    return _constant(items) or _numbers(items)


def _text(items: list[Any]) -> bytes | None:
    lines = as_lines(items, "\n")
    try:
        return None if lines is None else _TEXT + lines.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None


def _bytes(items: list[Any]) -> bytes | None:
    lines = as_lines(items, b"\n")
    return None if lines is None else _BYTES + lines


def _tuples(items: list[Any]) -> bytes | None:
    """Tuples of one width, as a column for each place."""
    width = len(items[0])
    if not 0 < width <= _TUPLE_WIDTH_MAX or set(map(len, items)) != {width}:
        return None
    columns = [encode_column(list(column)) for column in zip(*items, strict=True)]
    if any(column[:1] == _PICKLE for column in columns):
        return None  # one pickle keeps what is shared between the places
    sizes = b"".join(_LENGTH.pack(len(column)) for column in columns)
    return b"".join((_TUPLES, _WIDTH.pack(width), sizes, *columns))


def _pickled(items: list[Any]) -> bytes:
    try:
        return pickle.dumps(items, 5)
    except Exception:
        # A class made inside a function, a lambda, or something hopeless: it is
        # told with its name and what it is.
        from mincer.codec.functions import dump_value

        return dump_value(items)


def _decode_text(body: memoryview, count: int) -> list[Any]:
    return _ended(str(body, "utf-8").split("\n"))


def _decode_bytes(body: memoryview, count: int) -> list[Any]:
    return _ended(bytes(body).split(b"\n"))


def _ended(items: list[Any]) -> list[Any]:
    """The items before the last line end, behind which there must be nothing."""
    if items.pop():
        raise SegmentError("a column of lines ends in the middle of one")
    return items


def _decode_numbers(body: memoryview, count: int) -> list[Any]:
    items = _decode_msgpack(body)
    if items and type(items[0]) is float and sum(items) != sum(items):
        # All NaNs are one key, in the places of a tuple too. (inf - inf comes here
        # for nothing.)
        items = [NAN if item != item else item for item in items]
    return items


def _decode_constant(body: memoryview, count: int) -> list[Any]:
    return [pickle.loads(body)] * count


def _decode_tuples(body: memoryview, count: int) -> list[Any]:
    (width,) = _WIDTH.unpack_from(body)
    at = _WIDTH.size + width * _LENGTH.size
    columns = []
    for place in range(width):
        (size,) = _LENGTH.unpack_from(body, _WIDTH.size + place * _LENGTH.size)
        columns.append(decode_column(body[at : at + size], count))
        at += size
    return list(zip(*columns, strict=True))


def _decode_pickle(body: memoryview, count: int) -> list[Any]:
    items: list[Any] = pickle.loads(body)
    return items


_ENCODERS: dict[type, Callable[[list[Any]], bytes | None]] = {
    str: _text,
    bytes: _bytes,
    int: _integers,
    float: _numbers,
    bool: _constant,
    type(None): _constant,
    tuple: _tuples,
}

_DECODERS: dict[bytes, Callable[[memoryview, int], list[Any]]] = {
    _TEXT: _decode_text,
    _BYTES: _decode_bytes,
    _NUMBERS: _decode_numbers,
    _CONSTANT: _decode_constant,
    _TUPLES: _decode_tuples,
    _PICKLE: _decode_pickle,
}
