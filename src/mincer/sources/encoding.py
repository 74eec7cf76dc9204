"""Where the lines of an encoded text end, and whether its bytes alone can tell."""

# Strategy: text is cut into lines as bytes, and decoded a block at a time. In UTF-8,
# the code pages and the multi-byte encodings of East Asia the byte 0x0A is a line end
# and nothing else, so a file may be cut anywhere. In UTF-16 and UTF-32 it is a byte
# like any other, and a line end is a whole unit; they and all we do not know are read
# from the start. (An encoding with shifts, as ISO-2022, is back in its first state at
# each line end: its standard says so.)

from __future__ import annotations

import codecs

from mincer.errors import UsageError, preview

__all__ = [
    "check_encoding",
    "check_errors",
    "codec_of",
    "find_newline",
    "is_cuttable",
    "lines_of",
    "newline_of",
    "unmarked",
]

#: Codecs whose byte 0x0A is always a line end begin so (the EBCDIC pages, which are
#: called cp… too, are told apart by how they write it).
_CUTTABLE = (
    "utf-8", "ascii", "iso8859", "cp", "koi8", "mac", "gb", "big5", "euc", "shift_jis",
)  # fmt: skip

_BOMS = {
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}


def check_encoding(encoding: object) -> str:
    """Return the codec's own name; raise `UsageError` for what is no text encoding."""
    if isinstance(encoding, str):
        try:
            name = codecs.lookup(encoding).name
            "\n".encode(name)
        except LookupError:
            pass
        else:
            return name
    raise UsageError(
        f"encoding: {preview(encoding)} is not an encoding of text that Python knows",
        hint='For example encoding="utf-8", "latin-1", "utf-16".',
    )


def check_errors(errors: object) -> str:
    if isinstance(errors, str):
        try:
            codecs.lookup_error(errors)
        except LookupError:
            pass
        else:
            return errors
    raise UsageError(
        f"errors: {preview(errors)} is not a way to treat encoding errors",
        hint='Take "strict", "replace" or "ignore".',
    )


def is_cuttable(encoding: str) -> bool:
    """True when a file may be cut at any byte and its lines still be told."""
    return encoding.startswith(_CUTTABLE) and newline_of(encoding) == b"\n"


def newline_of(codec: str) -> bytes:
    return "\n".encode(unmarked(codec))


def unmarked(encoding: str) -> str:
    """The codec of what stands behind the mark, where a mark may stand."""
    return "utf-8" if encoding == "utf-8-sig" else encoding


def codec_of(encoding: str, head: bytes) -> tuple[str, int]:
    """The codec of a file that begins with `head`, and how long its mark (BOM) is.

    As everywhere in Python "utf-8-sig" drops a mark, and "utf-8" takes it for text.
    """
    if encoding == "utf-8-sig":
        return "utf-8", 3 if head.startswith(codecs.BOM_UTF8) else 0
    for mark, codec in _BOMS.get(encoding, ()):
        if head.startswith(mark):
            return codec, len(mark)
    # Without a mark Python would take the order of the machine: not the same
    # everywhere.
    return (encoding + "-le" if encoding in _BOMS else encoding), 0


def find_newline(data: bytes, newline: bytes, start: int = 0) -> int:
    """Index of the first line end at or after `start`, or -1; `data` begins a unit."""
    at = data.find(newline, start)
    while at >= 0 and at % len(newline):
        at = data.find(newline, at + 1)
    return at


def lines_of(data: bytes, newline: bytes) -> list[bytes]:
    """The lines of `data`, which begins a line, without their line ends."""
    if len(newline) == 1:
        lines = data.split(newline)
    else:
        lines, start = [], 0
        while (end := find_newline(data, newline, start)) >= 0:
            lines.append(data[start:end])
            start = end + len(newline)
        lines.append(data[start:])
    if not lines[-1]:
        lines.pop()
    return lines
