"""Columns as fields of text, bare or JSON, and back: what tsv and jsonl are made of."""

# Strategy: one law: what is read back equals what was written, but for tuples, which
# JSON only knows as arrays: an array comes back as a tuple in a key and as a list in a
# value. So what JSON would change without a word is refused (a dict with the key 1,
# NaN), while an IntEnum, a str subclass, a Counter or a namedtuple, which equal what
# comes back, are written as the plain things they are.
#
# A column is looked at as a whole: joined text is searched once by a regular expression
# (30 ns a word, 500 item by item), and JSON is written for all items in one call with
# a mark between them. Both ways must give the same text for each item, since where a
# column is cut depends on buffers. msgspec was rejected here: it writes bytes, sets and
# NaN as something else without a word.

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, compress
from typing import Any

from mincer.codec.lines import as_lines
from mincer.errors import preview

__all__ = [
    "Unfit",
    "as_keys",
    "bare_or_json",
    "joined_lines",
    "json_fields",
    "lines_of",
    "loads",
    "values_of",
]

#: What may not stand in a field as it is: control characters, the line ends of Unicode,
#: and lone surrogates, which UTF-8 does not have.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: The same without the line feed, for text joined by it.
_CONTROL_JOINED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ASCII_CONTROLS = bytes([*range(0x0A), *range(0x0B, 0x20), 0x7F])
#: What JSON's writer leaves in a str as it is, and a field may not have.
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: JSON reads these two as one character.
_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
#: What may not stand in a line of format `lines` as it is.
_LINE_END = re.compile(r"[\n\r\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
#: A field (behind a line feed) that is JSON or, when it begins with a quote or a
#: bracket, may be JSON. Not every word that begins with a digit: dates are common keys.
_JSON_LIKE = re.compile(
    rf'\n\x20*+(?:["\[{{]|(?:{_NUMBER}|true|false|null)\x20*+(?:\n|\Z))'
)
_NUMBERS = re.compile(rf"(?:\n{_NUMBER})*+")

_MARK = "\x00"
_BETWEEN = ', "\\u0000", '


class Unfit(ValueError):
    """JSON cannot hold this column; the message says what in it."""


def bare_or_json(column: list[Any]) -> list[str]:
    """Each item as a field of tsv: a str bare where it can be, all else as JSON."""
    return _by_kind(column, _fields_of_text)


def lines_of(column: list[Any]) -> list[str]:
    """Each item as a line: a str bare unless it has a line end, all else as JSON."""
    return _by_kind(column, _lines_of_text)


def joined_lines(column: list[Any]) -> str:
    """`lines_of` a column, each with its line end: of plain text in one look."""
    joined: str | None = None
    # What is no str is refused, in half the time of a look at the types.
    with suppress(TypeError):
        joined = as_lines(column, "\n")
    # Not the expression: it costs 5 ns a character.
    if (
        joined is not None
        and "\r" not in joined
        and (joined.isascii() or not _SURROGATE.search(joined))
    ):
        return joined
    return "\n".join([*lines_of(column), ""])


def _by_kind(column: list[Any], of_text: Callable[[list[str]], list[str]]) -> list[str]:
    """The fields of a column: `of_text` for what is a str, and JSON for the rest."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return of_text(column)
    if not any(issubclass(kind, str) for kind in kinds):
        return json_fields(column)
    # `str.__str__`: a subclass may print itself as something else.
    texts = [str.__str__(item) for item in column if isinstance(item, str)]
    others = [item for item in column if not isinstance(item, str)]
    fields_of_text, fields = iter(of_text(texts)), iter(json_fields(others))
    return [
        next(fields_of_text) if isinstance(item, str) else next(fields)
        for item in column
    ]


def _fields_of_text(texts: list[str]) -> list[str]:
    joined = "\n" + "\n".join(texts)
    if (
        joined.count("\n") == len(texts)
        and not _has_control(joined)
        and not _JSON_LIKE.search(joined)
    ):
        return texts
    return _quoted(texts, [bool(_CONTROL.search(t)) or _is_json(t) for t in texts])


def _has_control(joined: str) -> bool:
    """Is there a control character, other than the line feed, in `joined`?"""
    if joined.isascii():
        # A third of what the expression costs, which is 3 ns a character.
        return len(joined.encode().translate(None, _ASCII_CONTROLS)) < len(joined)
    return _CONTROL_JOINED.search(joined) is not None


def _lines_of_text(texts: list[str]) -> list[str]:
    return _quoted(texts, [_LINE_END.search(text) is not None for text in texts])


def _quoted(texts: list[str], chosen: list[bool]) -> list[str]:
    """The texts, those that are chosen as JSON."""
    fields = iter(json_fields(list(compress(texts, chosen))))
    return [
        next(fields) if quote else text
        for text, quote in zip(texts, chosen, strict=True)
    ]


def _is_json(text: str) -> bool:
    """True when a reader of JSON would take this for its own; no control in it."""
    found = _JSON_LIKE.match("\n" + text)
    if found is None or found[0][-1] not in '"[{':
        return found is not None
    try:
        loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True  # it may be, so it is quoted
    return True


def json_fields(column: list[Any]) -> list[str]:
    """Each item as JSON without control characters; raise `Unfit`."""
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
        raise Unfit(str(error)) from None


def _dumps(item: Any) -> str:
    try:
        text = _to_json(item)
    except (TypeError, ValueError) as error:
        raise Unfit(str(error)) from None
    except RecursionError:
        raise Unfit("it is nested too deep") from None
    if _UNESCAPED.search(text):
        if _SURROGATE_PAIR.search(text):
            raise Unfit("it has two surrogates that JSON reads as one character")
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
                raise Unfit(f"it has a dict with the key {preview(key)}, not a str")
        arrays = (item for item in level if isinstance(item, list | tuple))
        level = [
            *chain.from_iterable(arrays),
            *chain.from_iterable(one.values() for one in dicts),
        ]


def values_of(fields: list[str]) -> list[Any]:
    """The column that `bare_or_json` wrote; a number that is too long: ValueError."""
    joined = "\n" + "\n".join(fields)
    if not _JSON_LIKE.search(joined):
        return list(fields)
    if _NUMBERS.fullmatch(joined):
        numbers: list[Any] = loads(f"[{','.join(fields)}]")
        return numbers
    return list(map(_value_of, fields))


def _value_of(field: str) -> Any:
    found = _JSON_LIKE.match("\n" + field)
    if found is None:
        return field
    try:
        return loads(field)
    except ValueError:
        if found[0][-1] in '"[{':
            return field  # it only began like JSON
        raise


def as_keys(keys: list[Any]) -> list[Any]:
    """The keys with every array in them a tuple, so that they can be hashed again."""
    return list(map(_as_key, keys)) if list in set(map(type, keys)) else keys


def _as_key(item: Any) -> Any:
    return tuple(map(_as_key, item)) if type(item) is list else item


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
loads = json.JSONDecoder(parse_constant=_refuse_constant).decode
