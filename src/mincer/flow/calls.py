"""How the user's functions are called: once a record, once a key, or as a class."""

# Strategy: nothing of ours stands between the loop and a generator function: it is
# called by `map` in C. Any other mapfn may return None or a mapping, so it is wrapped
# (60 ns a record). In a careful attempt (an earlier one died, or failed at a place that
# is not known exactly) every record is checked and told before it is worked on.

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mincer.errors import UserCodeError, preview

__all__ = ["Closing", "checked", "instance_of", "pairs_call"]

PairsOf = Callable[[Any, Any], Iterable[Any]]
Closing = Callable[[], Iterable[Any] | None]


def instance_of(function: Any) -> tuple[Any, Closing | None]:
    """A class that stands for a function is built, once an attempt; return what to
    call, and its `close` when it has one."""
    if not isinstance(function, type):
        return function, None
    built = function()
    return built, getattr(built, "close", None)


def pairs_call(mapfn: Callable[[Any, Any], Any]) -> PairsOf:
    """Return a function that gives an iterable of pairs for every record."""
    if _is_generator_function(mapfn):
        return mapfn

    def pairs_of(key: Any, value: Any) -> Iterable[Any]:
        return as_pairs(mapfn(key, value))

    return pairs_of


def as_pairs(result: Any) -> Iterable[Any]:
    """What a mapfn returned, as pairs: None is none, a mapping is its items."""
    if result is None:
        return ()
    if isinstance(result, Mapping):
        return result.items()
    pairs: Iterable[Any] = result
    return pairs


def _is_generator_function(function: Any) -> bool:
    call = type(function).__call__
    return any(map(inspect.isgeneratorfunction, (function, call)))


def checked(pairs_of: PairsOf) -> PairsOf:
    """Wrap a mapfn so that whatever is no pair is an error that shows it."""

    def checked_pairs_of(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        result = pairs_of(key, value)
        if isinstance(result, (str, bytes)) or not isinstance(result, Iterable):
            raise UserCodeError(
                f"mapfn returned {preview(result)}; it must return an iterable of "
                "(key, value) pairs, a mapping, or None",
                hint="Yield each pair:  yield key, value",
            )
        for pair in result:
            yield check_pair(pair)

    return checked_pairs_of


def check_pair(pair: Any, function: str = "mapfn") -> tuple[Any, Any]:
    """Return `pair` if it is one; raise a `UserCodeError` that shows it if not."""
    if isinstance(pair, (str, bytes)) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise UserCodeError(
            f"{function} gave {preview(pair)}, which is not a (key, value) pair",
            hint="Yield each pair:  yield key, value",
        )
    key, value = pair
    return key, value
