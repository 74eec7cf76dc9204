"""The user code of the runner suite: functions and classes any process can import."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, NoReturn, Protocol

import mincer

Pair = tuple[Any, Any]


class Values(Protocol):
    """What a reducer is given."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


# mapfns


def words(key: Any, line: str) -> Iterator[Pair]:
    for word in line.lower().split():
        yield word, 1


def emit(key: Any, value: Any) -> Iterator[Pair]:
    """The value is a pair, and the pair goes out."""
    yield value


def same(key: Any, value: Any) -> Iterator[Pair]:
    yield key, value


def several_ways(key: Any, value: int) -> object:
    """None, a mapping, a list, an iterator: all that a mapfn may return."""
    ways = (None, {value: "mapping"}, [(value, "list")], iter([(value, "iterator")]))
    return ways[value % 4]


def two_keys(key: Any, times: int) -> Iterator[Pair]:
    """-1 and -2 have one hash, and must stay two keys."""
    yield from ((-1, 1), (-2, 1)) * times


def unhashable(key: Any, value: Any) -> Iterator[Pair]:
    yield ["a", value], 1


class ByIdentity:
    """Hashed by identity: a copy would be another key."""


def identity_key(key: Any, value: Any) -> Iterator[Pair]:
    yield ByIdentity(), 1


def not_pairs(key: Any, value: Any) -> object:
    return [1, 2, 3]


def lock(key: Any, value: Any) -> Iterator[Pair]:
    yield "lock", threading.Lock()


def counting(key: Any, value: int) -> Iterator[Pair]:
    mincer.count("records")
    mincer.count("total", value)
    yield value % 3, value


def fails_on_13(key: Any, line: str) -> Iterator[Pair]:
    mincer.count("met")
    yield "before", 1
    if "13" in line:
        raise ValueError(f"unlucky {line}")
    yield "after", 1


class SumsUntilClose:
    """Holds a sum, and yields it at the end of the attempt."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, key: Any, line: str) -> None:
        self.total += int(line)
        if line == "13":
            raise ValueError("unlucky 13")

    def close(self) -> Iterator[Pair]:
        yield "total", self.total


def what_context(key: Any, value: Any) -> Iterator[Pair]:
    now = mincer.context()
    yield "map", (now.job, now.attempt, now.part, now.params["factor"] * value)
    yield "named", (now.task.split()[-2], bool(now.split), now.tag)


def tagged(key: Any, value: Any) -> Iterator[Pair]:
    yield mincer.context().tag, value


def users(key: Any, row: Pair) -> Iterator[Pair]:
    yield row[0], ("user", row[1])


def orders(key: Any, row: Pair) -> Iterator[Pair]:
    yield row[0], ("order", row[1])


# reducefns, combinefns, partitionfns


def ordered(key: Any, values: Values) -> list[Any]:
    return sorted(values)


def add(key: Any, values: Iterable[Any]) -> Any:
    return sum(values)


def join(key: Any, values: Values) -> Iterator[Pair]:
    names = [text for kind, text in values if kind == "user"]
    for kind, text in values:
        if kind == "order":
            for name in names:
                yield name, text


def each_twice(key: Any, values: Values) -> Iterator[Pair]:
    for value in values:
        yield (key, value), 2 * value
        yield value, key


def nothing(key: Any, values: Values) -> Iterator[Pair]:
    yield from ()


def first_only(key: Any, values: Values) -> Any:
    return next(iter(values))


def never_reads(key: Any, values: Values) -> str:
    return "unread"


def reads_twice(key: Any, values: Values) -> tuple[int, Any, Any]:
    return len(values), sum(values), max(values)


def indexes(key: Any, values: Any) -> Any:
    return values[0]


def returns_values(key: Any, values: Values) -> Values:
    return values


def returns_held_values(key: Any, values: Values) -> dict[str, list[Any]]:
    return {"all": [values]}


def returns_iterator(key: Any, values: Values) -> Iterator[Any]:
    return iter(list(values))


class Keeps:
    """Keeps the values of a key and looks at them when the next one comes."""

    def __init__(self) -> None:
        self.kept: list[Values] = []

    def __call__(self, key: Any, values: Values) -> int:
        self.kept.append(values)
        return sum(len(values) for values in self.kept)


def raises_on_b(key: str, values: Values) -> int:
    if key == "b":
        raise KeyError("no such thing")
    return len(values)


def counts_keys(key: Any, values: Values) -> int:
    mincer.count("keys")
    return len(values)


class LargestOfPart:
    """A class in place of reducefn: its `close` has the last word on its part."""

    def __init__(self) -> None:
        self.keys = 0

    def __call__(self, key: Any, values: Values) -> Iterator[Pair]:
        self.keys += 1
        yield key, max(values)

    def close(self) -> Iterator[Pair]:
        yield "keys of a part", self.keys


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


each_twice_decorated = decorated(each_twice)
add_decorated = decorated(add)


def by_remainder(key: int, parts: int) -> int:
    return key % parts


def past_the_end(key: Any, parts: int) -> int:
    return parts


def refuses(key: Any, parts: int) -> NoReturn:
    raise LookupError("no part for it")


# keys and values of the user's own


@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int


class Colour(Enum):
    RED = 1
    GREEN = 2


class Place(NamedTuple):
    city: str
    street: str


class Money:
    """Told apart by value, as a key must be, in the old way."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    def __hash__(self) -> int:
        return hash(self.cents)

    def __repr__(self) -> str:
        return f"Money({self.cents})"
