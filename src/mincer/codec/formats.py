"""Output pairs as the bytes of a part file, and back: tsv, jsonl, lines, pickle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import SEEK_END
from typing import Any, BinaryIO, NamedTuple

from mincer.codec.fields import (
    Unfit,
    as_keys,
    bare_or_json,
    joined_lines,
    json_fields,
    lines_of,
    loads,
    values_of,
)
from mincer.errors import (
    Bug,
    InputError,
    OutputError,
    SegmentError,
    UsageError,
    Where,
    preview,
)

__all__ = [
    "FORMATS",
    "TEXT_FORMATS",
    "Columns",
    "check_format",
    "decode",
    "encode",
    "header",
    "read_chunks",
    "record_offset",
]

TEXT_FORMATS = ("tsv", "jsonl", "lines")
FORMATS = ("tsv", "jsonl", "pickle", "lines")

#: Two columns of one length: keys and values.
Columns = tuple[list[Any], list[Any]]

#: The first line of a part file of format pickle; then blocks, each behind its length.
_MAGIC = b"mincer-pairs-1\n"
_LENGTH_BYTES = 8

#: How much of a text file is decoded at once.
CHUNK_BYTES = 1 << 20


class _Format(NamedTuple):
    #: May raise `Unfit`.
    encode: Callable[[list[Any], list[Any]], str]
    #: May raise ValueError or RecursionError; reading line by line finds the line.
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
    check_format(format)
    if not values:
        return b""
    if format == "pickle":
        from mincer.codec.blocks import encode_pairs

        block = encode_pairs(keys, values)
        return len(block).to_bytes(_LENGTH_BYTES, "little") + block
    try:
        return _TEXT[format].encode(keys, values).encode()
    except Unfit:
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
    except UnicodeDecodeError as error:
        index = data.count(b"\n", 0, error.start)
        reason = f"byte {data[error.start]:#04x} is not UTF-8"
    else:
        if not lines[-1]:
            del lines[-1]
        if not lines:
            return [], []
        try:
            return read(lines)
        except (ValueError, RecursionError):
            index, reason = _first_bad_line(read, lines)
    line = data.split(b"\n")[index].decode("utf-8", "replace")
    raise InputError(
        f"{source} has a line that is not {format}: {reason}",
        where=Where(source, record_offset(data, offset, index), value=preview(line)),
        hint="Was it changed after mincer wrote it? As plain text it can be read with "
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
    """Yield (offset, bytes for `decode`) of a part file: a MiB of lines, or a block.

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
    pairs = zip(bare_or_json(keys), bare_or_json(values), strict=True)
    return "".join([f"{key}\t{value}\n" for key, value in pairs])


def _encode_jsonl(keys: list[Any], values: list[Any]) -> str:
    pairs = zip(json_fields(keys), json_fields(values), strict=True)
    return "".join([f'{{"key": {key}, "value": {value}}}\n' for key, value in pairs])


def _encode_lines(keys: list[Any], values: list[Any]) -> str:
    return joined_lines(values)


def _unfit_pair(format: str, keys: list[Any], values: list[Any]) -> OutputError:
    """Tell which key or value it was."""
    columns = [values] if format == "lines" else [keys, values]
    of_item = {"tsv": bare_or_json, "jsonl": json_fields, "lines": lines_of}[format]
    for row in zip(*columns, strict=True):
        for place, item in enumerate(row):
            try:
                of_item([item])
            except Unfit as error:
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
    raise Bug("a column was refused of which no item is refused alone")


# --- lines to columns


def _decode_tsv(lines: list[str]) -> Columns:
    tabs = [line.count("\t") for line in lines]
    if tabs.count(1) != len(tabs):
        count = next(count for count in tabs if count != 1)
        raise ValueError(f"it has {count} tabs instead of one")
    fields = "\t".join(lines).split("\t")
    return as_keys(values_of(fields[::2])), values_of(fields[1::2])


def _decode_jsonl(lines: list[str]) -> Columns:
    # All in one call is five times as fast as line by line.
    records = loads(f"[{','.join(lines)}]")
    if len(records) != len(lines):
        raise ValueError("it is not one JSON object")
    for record in records:
        if type(record) is not dict or record.keys() != {"key", "value"}:
            raise ValueError('it is not {"key": …, "value": …}')
    keys = [record["key"] for record in records]
    return as_keys(keys), [record["value"] for record in records]


def _decode_lines(lines: list[str]) -> Columns:
    return [None] * len(lines), list(lines)


def _first_bad_line(
    read: Callable[[list[str]], Columns], lines: list[str]
) -> tuple[int, str]:
    """Which of the lines `read` cannot read, and why."""
    for index, line in enumerate(lines):
        try:
            read([line])
        except RecursionError:
            return index, "it is nested too deep"
        except ValueError as error:
            # A JSONDecodeError counts lines and columns of what it was given: its own
            # message would send people to line 1.
            return index, getattr(error, "msg", None) or str(error)
    raise Bug("lines were refused of which none is refused alone")


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
    file_bytes = file.seek(0, SEEK_END)
    while offset < file_bytes:
        file.seek(offset)
        length = file.read(_LENGTH_BYTES)
        size_bytes = int.from_bytes(length, "little")
        # Room for a length that is damaged would be more than there is.
        if offset + _LENGTH_BYTES + size_bytes > file_bytes:
            raise _damaged(source, offset, "a block is cut off")
        yield offset, length + file.read(size_bytes)
        offset += _LENGTH_BYTES + size_bytes


def _damaged(source: str, offset: int, reason: str) -> InputError:
    return InputError(
        f"{source} is damaged: {reason}",
        where=Where(source, offset),
        hint="Run the job that wrote it again.",
    )
