"""Output pairs as the bytes of a part file, and back: tsv, jsonl, lines, pickle."""

# Strategy: one law for tsv and jsonl: what is read back equals what was written, but
# for tuples, which JSON only knows as arrays: an array comes back as a tuple in a
# key and as a list in a value. So what JSON would change without a word is refused (a
# dict with the key 1, NaN), while an IntEnum, a str subclass, a Counter or a
# namedtuple, which equal what comes back, are written as the plain things they are.
#
# Columns are looked at as a whole: joined text is searched once by a regular expression
# (10 ns a word, 500 item by item), and JSON is written for all items in one call with
# a mark between them. Both ways must give the same bytes for each item, since where a
# column is cut depends on buffers. msgspec was rejected here: it writes bytes, sets and
# NaN as something else without a word.

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from mincer.errors import InputError, OutputError, SegmentError, UsageError
from mincer.errors import Where, preview

__all__ = [
    "FORMATS",
    "MANIFEST",
    "TEXT_FORMATS",
    "Columns",
    "check_format",
    "decode",
    "encode",
    "header",
    "read_chunks",
    "record_offset",
]

#: The name of the manifest: there only when everything else in the folder is.
MANIFEST = "_SUCCESS"

TEXT_FORMATS = ("tsv", "jsonl", "lines")
FORMATS = ("tsv", "jsonl", "pickle", "lines")

#: Two columns of one length: keys and values.
Columns = tuple[list[Any], list[Any]]

#: The first line of a part file of format pickle; then blocks, each behind its length.
_MAGIC = b"mincer-pairs-1\n"
_LENGTH_BYTES = 8

#: How much of a text file is decoded at once.
CHUNK_BYTES = 1 << 20

#: What may not stand in a field as it is: control characters, the line ends of Unicode,
#: and lone surrogates, which UTF-8 does not have.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: The same without the line feed, for text joined by it.
_CONTROL_JOINED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: What JSON's writer leaves in a str as it is, and a field may not have.
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: JSON reads these two as one character.
_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
#: What may not stand in a line of format `lines` as it is.
_LINE_END = re.compile(r"[\n\r\ud800-\udfff]")

_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
#: A field (behind a line feed) that is JSON, or, when it begins with a quote or bracket,
#: may be. Not every word that begins with a digit: dates are common keys.
_JSON_LIKE = re.compile(
    rf'\n\x20*+(?:["\[{{]|(?:{_NUMBER}|true|false|null)\x20*+(?:\n|\Z))'
)
_NUMBERS = re.compile(rf"(?:\n{_NUMBER})*+")

_MARK = "\x00"
_BETWEEN = ', "\\u0000", '


class _Unfit(ValueError):
    """JSON cannot hold this column; the message says what in it."""


class _BadLine(ValueError):
    """The line with this index is not what the format says."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(index, reason)
        self.index = index
        self.reason = reason


class _Format(NamedTuple):
    #: May raise `_Unfit`.
    encode: Callable[[list[Any], list[Any]], str]
    #: May raise `_BadLine`; any other ValueError is found by reading line by line.
    decode: Callable[[list[str]], Columns]


def check_format(format: object) -> None:
    """Refuse a format that does not exist."""
    if format not in FORMATS:
        raise UsageError(
            f"format must be one of {', '.join(FORMATS)}, not {preview(format)}"
        )


def header(format: str) -> bytes:
    """What a part file of this format begins with."""
    return _MAGIC if format == "pickle" else b""


def encode(format: str, keys: list[Any], values: list[Any]) -> bytes:
    """Encode pairs, given as two columns of one length.

    Encoded columns may stand one behind another. Raises `OutputError` naming the
    pair that the format cannot hold, and `ShipError` when pickle cannot.
    """
    if format == "pickle":
        from mincer.codec.blocks import encode_pairs

        block = encode_pairs(keys, values)
        return len(block).to_bytes(_LENGTH_BYTES, "little") + block
    check_format(format)
    if not values:
        return b""
    try:
        return _TEXT[format].encode(keys, values).encode()
    except _Unfit:
        raise _unfit_pair(format, keys, values) from None


def decode(format: str, data: bytes, source: str = "data", offset: int = 0) -> Columns:
    """Decode whole lines (or blocks), as `encode` made them.

    `lines` holds no keys: they come back as None, and each line as it stands, as text.
    Raises `InputError` naming the line in `source`, where `data` begins at `offset`.
    """
    if format == "pickle":
        return _decode_blocks(data, source, offset)
    check_format(format)
    read = _TEXT[format].decode
    try:
        lines = data.decode().split("\n")
        if not lines[-1]:
            del lines[-1]
        if not lines:
            return [], []
        try:
            return read(lines)
        except _BadLine:
            raise
        except (ValueError, RecursionError):
            raise _first_bad_line(read, lines) from None
    except UnicodeDecodeError as error:
        index = data.count(b"\n", 0, error.start)
        reason = f"byte {error.object[error.start]:#04x} is not UTF-8"
    except _BadLine as error:
        index, reason = error.index, error.reason
    line = data.split(b"\n")[index].decode("utf-8", "replace")
    raise InputError(
        f"{source} holds a line that is not {format}: {reason}",
        where=Where(source, record_offset(data, offset, index), value=preview(line)),
        hint=f"Was it changed since mincer wrote it? As any text it is read with "
        f"mincer.sources.text({source!r}).",
    )


def record_offset(data: bytes, offset: int, index: int) -> int:
    """Where the line `index` of `data` begins, when `data` begins at `offset`."""
    at = 0
    for _ in range(index):
        at = data.index(b"\n", at) + 1
    return offset + at


def read_chunks(
    file: BinaryIO, format: str, source: str, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes for `decode`) of a part file, a MiB of lines or a block each.

    Of a text file, the lines that begin in `start … end`: ranges that touch share no
    line and leave none out. Of a pickle file, all, whatever the range.
    """
    if format == "pickle":
        yield from _read_blocks(file, source)
        return
    offset = start
    if start:
        file.seek(start - 1)
        offset += len(file.readline()) - 1
    while end is None or offset < end:
        size = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - offset)
        data = file.read(size)
        if not data:
            return
        if not data.endswith(b"\n"):
            data += file.readline()
        yield offset, data
        offset += len(data)


# --- text to fields


def _encode_tsv(keys: list[Any], values: list[Any]) -> str:
    pairs = zip(_bare_or_json(keys), _bare_or_json(values), strict=True)
    return "".join([f"{key}\t{value}\n" for key, value in pairs])


def _encode_jsonl(keys: list[Any], values: list[Any]) -> str:
    pairs = zip(_json_fields(keys), _json_fields(values), strict=True)
    return "".join([f'{{"key": {key}, "value": {value}}}\n' for key, value in pairs])


def _encode_lines(keys: list[Any], values: list[Any]) -> str:
    return "\n".join(_by_kind(values, _lines_of_text)) + "\n"


def _bare_or_json(column: list[Any]) -> list[str]:
    return _by_kind(column, _fields_of_text)


def _by_kind(
    column: list[Any], of_text: Callable[[list[str]], list[str]]
) -> list[str]:
    """The fields of a column: `of_text` for what is a str, and JSON for the rest."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return of_text(column)
    if not any(issubclass(kind, str) for kind in kinds):
        return _json_fields(column)
    # `str.__str__`: a subclass may print itself as something else.
    texts = [str.__str__(item) for item in column if isinstance(item, str)]
    others = [item for item in column if not isinstance(item, str)]
    fields_of_text, fields = iter(of_text(texts)), iter(_json_fields(others))
    return [
        next(fields_of_text) if isinstance(item, str) else next(fields)
        for item in column
    ]


def _fields_of_text(texts: list[str]) -> list[str]:
    joined = "\n" + "\n".join(texts)
    if (
        joined.count("\n") == len(texts)
        and not _CONTROL_JOINED.search(joined)
        and not _JSON_LIKE.search(joined)
    ):
        return texts
    return [
        _quoted(text) if _CONTROL.search(text) or _is_json(text) else text
        for text in texts
    ]


def _lines_of_text(texts: list[str]) -> list[str]:
    return [_quoted(text) if _LINE_END.search(text) else text for text in texts]


def _quoted(text: str) -> str:
    return _json_fields([text])[0]


def _is_json(text: str) -> bool:
    """True when a reader of JSON would take this for its own; no control in it."""
    found = _JSON_LIKE.match("\n" + text)
    if found is None or found[0][-1] not in '"[{':
        return found is not None
    try:
        _loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True  # it may be, so it is quoted
    return True


# --- JSON to fields


def _json_fields(column: list[Any]) -> list[str]:
    """Each item as JSON without control characters; raise `_Unfit`."""
    if not column:
        return []
    if set(map(type, column)) == {int}:
        return _each(column)
    marked = [_MARK] * (2 * len(column) - 1)
    marked[::2] = column
    fields = _dumps(marked)[1:-1].split(_BETWEEN)
    if len(fields) != len(column):  # the mark stands in the data too
        fields = list(map(_dumps, column))
    _check_dict_keys(column)
    return fields


def _each(column: list[int]) -> list[str]:
    try:
        return list(map(repr, column))
    except ValueError as error:  # more digits than Python turns into text
        raise _Unfit(str(error)) from None


def _dumps(item: Any) -> str:
    try:
        text = _to_json(item)
    except (TypeError, ValueError) as error:
        raise _Unfit(str(error)) from None
    except RecursionError:
        raise _Unfit("it is nested too deep") from None
    if _UNESCAPED.search(text):
        if _SURROGATE_PAIR.search(text):
            raise _Unfit("it has two surrogates that JSON reads as one character")
        text = _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text


def _check_dict_keys(column: list[Any]) -> None:
    """Refuse dicts whose keys JSON would turn into text. There are no cycles in
    `column`, or writing it as JSON had failed before."""
    level = column
    while not set(map(type, level)) <= {str, int, float, bool, type(None)}:
        dicts = [item for item in level if isinstance(item, dict)]
        for key in chain.from_iterable(dicts):
            if not isinstance(key, str):
                raise _Unfit(f"it has a dict with the key {preview(key)}, not a str")
        arrays = (item for item in level if isinstance(item, list | tuple))
        level = [
            *chain.from_iterable(arrays),
            *chain.from_iterable(one.values() for one in dicts),
        ]


def _unfit_pair(format: str, keys: list[Any], values: list[Any]) -> OutputError:
    """Tell which key or value it was."""
    columns = [values] if format == "lines" else [keys, values]
    of_item = _json_fields if format == "jsonl" else _bare_or_json
    for row in zip(*columns, strict=True):
        for place, item in enumerate(row):
            try:
                of_item([item])
            except _Unfit as error:
                shown = f"{preview(item)} ({type(item).__name__})"
                if place == 0 and format != "lines":
                    told = f"the key {shown}"
                elif format == "lines":
                    told = f"the value {shown}"
                else:
                    told = f"the value {shown} of the key {preview(row[0])}"
                return OutputError(
                    f"{format} cannot hold {told}: {error}",
                    hint="Keep the pairs as they are with --format pickle "
                    "(format='pickle'), or yield what JSON can hold.",
                )
    raise AssertionError("a column failed though none of its items does")


# --- lines to columns


def _decode_tsv(lines: list[str]) -> Columns:
    rows = [line.split("\t") for line in lines]
    if set(map(len, rows)) != {2}:
        index = next(i for i, row in enumerate(rows) if len(row) != 2)
        raise _BadLine(index, f"it has {len(rows[index]) - 1} tabs instead of one")
    keys = _values_of([row[0] for row in rows])
    return _as_keys(keys), _values_of([row[1] for row in rows])


def _decode_jsonl(lines: list[str]) -> Columns:
    records = list(map(_loads, lines))
    for index, record in enumerate(records):
        if type(record) is not dict or record.keys() != {"key", "value"}:
            raise _BadLine(index, 'it is not {"key": …, "value": …}')
    keys = [record["key"] for record in records]
    return _as_keys(keys), [record["value"] for record in records]


def _decode_lines(lines: list[str]) -> Columns:
    return [None] * len(lines), list(lines)


def _values_of(fields: list[str]) -> list[Any]:
    joined = "\n" + "\n".join(fields)
    if not _JSON_LIKE.search(joined):
        return list(fields)
    if _NUMBERS.fullmatch(joined):
        numbers: list[Any] = _loads(f"[{','.join(fields)}]")
        return numbers
    return list(map(_value_of, fields))


def _value_of(field: str) -> Any:
    found = _JSON_LIKE.match("\n" + field)
    if found is None:
        return field
    try:
        return _loads(field)
    except ValueError:
        if found[0][-1] in '"[{':
            return field  # it only began like JSON
        raise


def _as_keys(keys: list[Any]) -> list[Any]:
    return list(map(_as_key, keys)) if list in set(map(type, keys)) else keys


def _as_key(item: Any) -> Any:
    return tuple(map(_as_key, item)) if type(item) is list else item


def _first_bad_line(read: Callable[[list[str]], Columns], lines: list[str]) -> _BadLine:
    for index, line in enumerate(lines):
        try:
            read([line])
        except (ValueError, RecursionError) as error:
            return _BadLine(index, str(error))
    raise AssertionError("a chunk failed though none of its lines does")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_loads = json.JSONDecoder(parse_constant=_refuse_constant).decode

_TEXT = {
    "tsv": _Format(_encode_tsv, _decode_tsv),
    "jsonl": _Format(_encode_jsonl, _decode_jsonl),
    "lines": _Format(_encode_lines, _decode_lines),
}


# --- blocks


def _decode_blocks(data: bytes, source: str, offset: int) -> Columns:
    from mincer.codec.blocks import decode_pairs

    keys: list[Any] = []
    values: list[Any] = []
    at = 0
    while at < len(data):
        begin = at + _LENGTH_BYTES
        end = begin + int.from_bytes(data[at:begin], "little")
        try:
            more_keys, more_values = decode_pairs(memoryview(data)[begin:end])
        except SegmentError as error:
            raise _damaged(source, offset + at, error.what) from error
        keys += more_keys
        values += more_values
        at = end
    return keys, values


def _read_blocks(file: BinaryIO, source: str) -> Iterator[tuple[int, bytes]]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _damaged(source, 0, "it does not begin as a file of pairs does")
    offset = len(_MAGIC)
    while length := file.read(_LENGTH_BYTES):
        data = length + file.read(int.from_bytes(length, "little"))
        yield offset, data
        offset += len(data)


def _damaged(source: str, offset: int, reason: str) -> InputError:
    return InputError(
        f"{source} is damaged: {reason}",
        where=Where(source, offset),
        hint="Run the job that wrote it again.",
    )
