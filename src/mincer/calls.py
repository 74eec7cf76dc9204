"""How the user's functions are called, what they may give, and what is said if not."""

# Strategy: every runner calls user code by these rules and tells of its mistakes in
# these words, so that a job means the same, and fails the same, wherever it runs.
# Nothing of ours stands between a loop and a generator function: it is called as it is,
# by `map` in C. Any other mapfn may return None or a mapping, so it is wrapped (60 ns a
# record). Pairs are checked one by one (`checked`) only where their time does not
# count, as when an attempt that met something that is no pair runs again.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import FunctionType, GeneratorType
from typing import Any, TypeAlias

from mincer.codec.keys import canonical, key_hash, part_of
from mincer.errors import MincerError, UserCodeError, Where, preview
from mincer.job import REDUCE_BUILTINS, Step
from mincer.values import ENDING, Values, check_kept, close_values, ended

__all__ = [
    "RAISED",
    "Close",
    "Pair",
    "PairsOf",
    "as_pairs",
    "as_they_are",
    "check_pair",
    "checked",
    "checked_mapper",
    "gets_values_alone",
    "instance_of",
    "last_pairs",
    "pairs_call",
    "part_by",
    "part_for",
    "place_of_key",
    "raised",
    "reduced",
    "user_code",
]

#: `inspect.CO_GENERATOR`, whose import costs 3 ms.
_CO_GENERATOR = 0x20

Pair: TypeAlias = tuple[Any, Any]
#: Gives the pairs of a record, from its key and value.
PairsOf: TypeAlias = Callable[[Any, Any], Iterator[Any]]
#: The `close` of a class that stands for a function; it may have last pairs.
Close: TypeAlias = Callable[[], Any]

#: What most functions return, known at once: to ask `Mapping` costs 240 ns a record.
_NO_MAPPINGS = frozenset({list, tuple, zip, map, GeneratorType})

#: What user code may end with. `sys.exit()` ends the call and not the process.
RAISED = (Exception, SystemExit)


def raised(
    function: str, error: BaseException, where: Where | None = None
) -> UserCodeError:
    """The error that tells that the user's `function` raised `error`."""
    from mincer.codec.tracebacks import user_frames

    return UserCodeError(
        f"{function} raised {type(error).__name__}: {error}",
        where=where,
        user_traceback=user_frames(error),
    )


@contextmanager
def user_code(
    function: str, place: Callable[[], Where | None] = lambda: None
) -> Iterator[None]:
    """The body calls the user's `function`: what it raises is told with its place.

    `place` is asked only then. An error of ours passes, with that place if it has none.
    """
    try:
        yield
    except MincerError as error:
        if error.where is None:
            error.where = place()
        raise
    except RAISED as error:
        raise raised(function, error, place()) from error


def place_of_key(key: Any, values: Any) -> Where:
    """How an error names the key at which it happened."""
    count = len(values)
    noun = "value" if count == 1 else "values"
    return Where(f"a key with {count:,} {noun}", key=preview(key))


def gets_values_alone(reducefn: object) -> bool:
    """True for a builtin that stands for a reducefn; known by identity."""
    return any(reducefn is one for one in REDUCE_BUILTINS)


def instance_of(function: Any, name: str) -> tuple[Any, Close | None]:
    """A class that stands for a function is built, once an attempt; return what to
    call, and its `close` when it has one."""
    if not isinstance(function, type) or gets_values_alone(function):
        return function, None
    with user_code(name):
        built: Any = function()
    return built, getattr(built, "close", None)


def pairs_call(mapfn: Callable[[Any, Any], Any]) -> PairsOf:
    """Return a function that gives an iterator of pairs for every record."""
    if _is_generator_function(mapfn):
        return mapfn

    def pairs_of(key: Any, value: Any) -> Iterator[Any]:
        return iter(as_pairs(mapfn(key, value)))

    return pairs_of


def as_pairs(result: Any) -> Iterable[Any]:
    """What was returned, as pairs: None is none, a mapping is its items."""
    if type(result) in _NO_MAPPINGS:
        plain: Iterable[Any] = result
        return plain
    if result is None:
        return ()
    if type(result) is dict or isinstance(result, Mapping):
        return result.items()
    pairs: Iterable[Any] = result
    return pairs


def _is_generator_function(function: Any) -> bool:
    if type(function) is FunctionType:  # nearly always, and asked for each attempt
        return bool(function.__code__.co_flags & _CO_GENERATOR)
    import inspect

    call = type(function).__call__
    return any(map(inspect.isgeneratorfunction, (function, call)))


def checked(
    function: Callable[..., Any], name: str = "mapfn", *, keyed: bool = False
) -> Callable[..., Iterator[Pair]]:
    """Wrap what gives pairs so that whatever is no pair is an error that shows it.

    `keyed`: the pairs will be brought together, so a key must be one that can be, and
    comes in its one form.
    """

    def checked_pairs(*arguments: Any) -> Iterator[Pair]:
        result = as_pairs(function(*arguments))
        if isinstance(result, str | bytes) or not isinstance(result, Iterable):
            raise UserCodeError(
                f"{name} returned {preview(result)}; it must return an iterable of "
                "(key, value) pairs, a mapping, or None",
                hint="Yield each pair:  yield key, value",
            )
        for pair in result:
            key, value = check_pair(pair, name)
            if keyed:
                key = canonical(key)
                key_hash(key)
            yield key, value

    return checked_pairs


def last_pairs(close: Close | None, name: str, *, keyed: bool = False) -> list[Pair]:
    """The pairs that a class in place of a function has when all is read; checked."""
    if close is None:
        return []
    with user_code(name):
        return list(checked(close, name, keyed=keyed)())


def check_pair(pair: Any, function: str = "mapfn") -> Pair:
    """Return `pair` if it is one; raise a `UserCodeError` that shows it if not."""
    if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise UserCodeError(
            f"{function} gave {preview(pair)}, which is not a (key, value) pair",
            hint="Yield each pair:  yield key, value",
        )
    key, value = pair
    return key, value


def as_they_are(key: Any, values: Iterable[Any]) -> Iterator[Pair]:
    """What stands for a reducefn when there is none: the pairs come out again."""
    for value in values:
        yield key, value


def reduced(reducefn: Callable[..., Any], key: Any, items: list[Any]) -> list[Pair]:
    """The output pairs of one key, in full and checked."""
    values = Values(items)
    result = reducefn(values) if gets_values_alone(reducefn) else reducefn(key, values)
    if isinstance(result, GeneratorType):
        pairs = [check_pair(pair, "reducefn") for pair in result]
    elif isinstance(result, ENDING):
        raise ended(result)
    else:
        pairs = [(key, result)]
    check_kept(pairs)
    close_values(values)
    return pairs


def checked_mapper(
    step: Step, tag: str | None
) -> tuple[Callable[[Any, Any], Iterator[Pair]], Callable[[], list[Pair]]]:
    """The mapfn for one attempt at a split of this tag, and what gives its last pairs;
    both check each pair."""
    function, close = instance_of(step.mapfn_for(tag), "mapfn")
    last = partial(last_pairs, close, "mapfn", keyed=step.shuffles)
    return checked(function, "mapfn", keyed=step.shuffles), last


def part_for(key: Any, step: Step, parts: int) -> int:
    """The part of `key`, for all but `by_range`, which depends on the other keys."""
    if callable(step.partitionfn):
        return part_by(step.partitionfn, key, parts)
    return part_of(key, parts)


def part_by(partitionfn: Callable[[Any, int], Any], key: Any, parts: int) -> int:
    """The part that the user's function chooses for `key`, in `range(parts)`."""
    try:
        part = partitionfn(key, parts)
    except RAISED as error:
        where = Where("a key", key=preview(key))
        raise raised("partitionfn", error, where) from error
    if not isinstance(part, int) or not 0 <= part < parts:
        raise UserCodeError(
            f"partitionfn returned {preview(part)}; "
            f"it must return an int from 0 to {parts - 1}",
            where=Where("a key", key=preview(key)),
        )
    return part
