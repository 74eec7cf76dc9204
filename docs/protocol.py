"""Write the tables of protocol.md, beside this file, from the types that say it all.

`python docs/protocol.py` writes them; tests/test_protocol.py says when that is due.
"""

# Strategy: what a process may say is said once, in the unions of `mincer.wire`. The
# page is prose, written by hand, with a pair of marks for each table; what stands
# between them is replaced by what the types say now. Types are shown by the names that
# they have in `wire/bounds.py`, whose own table tells what the names mean.

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from mincer.wire import bounds, desk_frames, frames, pulls

PAGE = Path(__file__).with_suffix(".md")
_MARK, _END = "<!-- table: {} -->\n", "<!-- end -->\n"

#: Values that have a name, and what tells them from the bare type.
NAMES = {name: getattr(bounds, name) for name in bounds.__all__ if name[0].isupper()}
NAMES |= {"JobState": frames.JobState, "Short": desk_frames.Short}
del NAMES["Decoder"]

#: Who says the frames of a union, and to whom.
WAYS = [
    ("coordinator → worker", frames.ToWorker),
    ("worker → coordinator", frames.FromWorker),
    ("driver → coordinator", frames.JobSaid),
    ("coordinator → driver", frames.ToDriver),
    ("driver or observer → coordinator", frames.FromObserver),
    ("driver alone → coordinator", frames.CancelAsked),
    ("coordinator → who asked", frames.Answer),
]

#: Times, sizes and counts: the module, the name in it, what it is measured in, and
#: what it is for.
NUMBERS = [
    ("net.members", "BEAT_S", "s", "between two beats of a line, each way"),
    ("limits", "LEASE_S", "s", "of silence, and a member is given up"),
    ("net.members", "_CLOSED_S_MAX", "s", "to connect again, when a connection ended"),
    ("net.line", "_GREET_S", "s", "between greetings, until one is answered"),
    ("net.node", "_WORKING_S", "s", "between two `Working` of a worker"),
    ("net.hub", "_REPORT_S", "s", "between two `ProgressTold` of a job"),
    ("wire.session", "_KEPT_BYTES_MAX", "B", "not acknowledged, and a line is full"),
    ("wire.pulls", "MESSAGE_BYTES_MAX", "B", "in any message"),
    ("wire.pulls", "CHUNK_BYTES", "B", "in a chunk"),
    ("wire.pulls", "RELAYED_BYTES", "B", "in a chunk that the coordinator passes on"),
    ("net.puller", "_CREDITS", "", "chunks under way to one process"),
    ("net.puller", "_CREDITS_EACH", "", "of these, of one pull"),
    ("net.puller", "_AGAIN_S", "s", "and a chunk that was asked for is asked again"),
    ("net.puller", "STUCK_S", "s", "of silence, and a pull is tried another way"),
    ("net.offers", "_LAYOUTS_MAX", "", "pulls that one process serves at a time"),
    ("net.peers", "_CONNECT_S_MAX", "s", "to reach another member directly"),
    ("net.survey", "HOLD_S", "s", "that the first splits wait for `FilesFound`"),
]


# --- types as people read them


def words(kind: Any) -> str:
    """What a field may be."""
    for name, value in NAMES.items():
        if kind == value:
            return name
    return unnamed(kind)


def unnamed(kind: Any) -> str:
    """The same of what has no name of its own, or without regard to it."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        limits = [_limits(one, parts[0]) for one in parts[1:]]
        return ", ".join([words(parts[0]), *filter(None, limits)])
    if origin in (Union, UnionType):
        return " or ".join("none" if one is NoneType else words(one) for one in parts)
    if origin is list:
        return f"list of {words(parts[0])}"
    if origin is tuple:
        return f"({', '.join(map(words, parts))})"
    if origin is dict:
        return f"map of {words(parts[0])} to {words(parts[1])}"
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in parts)
    return {str: "text"}.get(kind, kind.__name__)


def _limits(meta: msgspec.Meta, kind: Any) -> str:
    if meta.pattern is not None:
        return f"`{meta.pattern}`"
    low = meta.ge if meta.min_length is None else meta.min_length
    high = meta.le if meta.max_length is None else meta.max_length
    what = {str: " characters", bytes: " bytes"}.get(kind, "")
    if low is None:
        return f"at most {_number(high)}{what}"
    if low == high:
        return f"{_number(low)}{what}"
    return f"{_number(low)} to {_number(high)}{what}"


def _number(value: Any) -> str:
    """Written so that it can be read: 10,000 or 2^62 or 10^12."""
    sign, size = ("-" if value < 0 else ""), int(abs(value))
    for base in (2, 10):
        for more in (0, 1):
            power = size + more
            exponent = power.bit_length() - 1 if base == 2 else len(str(power)) - 1
            if exponent > (19 if base == 2 else 11) and base**exponent == power:
                return f"{sign}{base}^{exponent}{' - 1' if more else ''}"
    return f"{sign}{size:,}"


def says(frame: Any) -> str:
    """The first paragraph of its docstring, on one line."""
    text = frame.__doc__ or ""
    return " ".join(text.split("\n\n")[0].split())


def fields(frame: Any) -> str:
    """Its fields in order; a `?` after those that may be left out."""
    return "; ".join(
        f"`{one.name}`{'' if one.required else '?'} {words(one.type)}"
        for one in msgspec.structs.fields(frame)
    )


def tag(frame: Any) -> str:
    found = frame.__struct_config__.tag
    return f"`{found}`" if found else ""


def frames_of(union: Any) -> tuple[Any, ...]:
    """The frames of a union, or the one that it is."""
    return get_args(union) or (union,)


def rows() -> list[Any]:
    """The parts of frames, in the order in which frames name them."""
    unions = [union for _, union in WAYS]
    known = [one for union in [*unions, pulls.Head] for one in frames_of(union)]
    found: list[Any] = []
    for frame in known:
        for one in _inside(frame):
            if one not in found:
                found.append(one)
    things = frames_of(pulls.Thing)
    return [one for one in found if one not in known and one not in things]


def _inside(kind: Any) -> Iterator[Any]:
    """All structs in the fields of a struct, or in a type."""
    parts: tuple[Any, ...] = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        parts = tuple(one.type for one in msgspec.structs.fields(kind))
    for part in parts:
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            yield part
        yield from _inside(part)


# --- tables


def table(*lines: tuple[str, ...]) -> str:
    """A table of Markdown; the first line is its head."""
    head, *body = lines
    rule = tuple("---" for _ in head)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *body))


def _said(*ways: str) -> str:
    found = [
        (tag(one), f"`{one.__name__}`", way, says(one), fields(one))
        for way, union in WAYS
        if not ways or way in ways
        for one in frames_of(union)
    ]
    return table(
        ("tag", "frame", "who says it to whom", "what it says", "fields"), *found
    )


def _greetings() -> str:
    ways = {frames.Hello: "process → coordinator"}
    found = [
        (
            tag(one),
            f"`{one.__name__}`",
            ways.get(one, "coordinator → process"),
            says(one),
            fields(one),
        )
        for one in frames_of(frames.Greeting)
    ]
    return table(
        ("tag", "frame", "who says it to whom", "what it says", "fields"), *found
    )


def _heads() -> str:
    def way(one: Any) -> str:
        return "who pulls" if one in pulls.QUESTIONS else "who is asked"

    found = [
        (tag(one), f"`{one.__name__}`", way(one), says(one), fields(one))
        for one in frames_of(pulls.Head)
    ]
    return table(("tag", "head", "who says it", "what it says", "fields"), *found)


def _structs(*some: Any) -> str:
    found = [(f"`{one.__name__}`", tag(one), says(one), fields(one)) for one in some]
    return table(("name", "tag", "what it is", "fields"), *found)


def _values() -> str:
    found = [(name, unnamed(value)) for name, value in sorted(NAMES.items())]
    return table(("name", "is"), *found)


def _numbers() -> str:
    found = []
    for module, name, unit, what in NUMBERS:
        value = getattr(import_module(f"mincer.{module}"), name)
        place = f"`{name}` in `{module.replace('.', '/')}.py`"
        size = f"{value:g}" if unit == "s" else _number(value)
        found.append((f"{size} {unit}".strip(), what, place))
    return table(("", "what for", "where"), *found)


TABLES: dict[str, Callable[[], str]] = {
    "greetings": _greetings,
    "worker": lambda: _said("coordinator → worker", "worker → coordinator"),
    "driver": lambda: _said("driver → coordinator", "coordinator → driver"),
    "desk": lambda: _said(*(way for way, _ in WAYS[4:])),
    "heads": _heads,
    "things": lambda: _structs(*frames_of(pulls.Thing)),
    "rows": lambda: _structs(*rows()),
    "values": _values,
    "numbers": _numbers,
}


def draw(page: str) -> str:
    """The page with all of its tables as they are now."""
    for name, made in TABLES.items():
        head, mark, rest = page.partition(_MARK.format(name))
        if not mark or _END not in rest:
            raise ValueError(f"{PAGE.name} has no place for the table {name}")
        _, end, tail = rest.partition(_END)
        page = head + mark + "\n" + made() + "\n" + end + tail
    return page


def main() -> int:
    before = PAGE.read_text("utf-8")
    after = draw(before)
    PAGE.write_text(after, "utf-8")
    print(f"{PAGE.name} is as it was" if after == before else f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
