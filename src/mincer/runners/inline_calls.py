"""How the reference runner calls user code, and what it makes of what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any, NoReturn

from mincer.errors import JobError, OrderError, UserCodeError, Where, preview
from mincer.job import REDUCE_BUILTINS

__all__ = ["Pair", "built", "map_pairs", "put_in_order", "reduced_pairs", "told"]

Pair = tuple[Any, Any]
Close = Callable[[], Any]

_PAIRS_HINT = "Yield each pair:  yield key, value"
_VALUES_HINT = "Make what you need of it before you return:  list(values)"


def built(function: Any, name: str) -> tuple[Callable[..., Any], Close | None]:
    """What to call, and the `close` of a class that stands for a function."""
    if not isinstance(function, type) or _is_builtin(function):
        return function, None
    try:
        instance: Any = function()
    except (Exception, SystemExit) as error:
        raise told(error, f"{name} {function.__name__}()", None) from error
    return instance, getattr(instance, "close", None)


def told(error: BaseException, function: str, where: Where | None) -> JobError:
    """What `error`, raised in user code, is to people: what, where, their frames."""
    from mincer.codec.tracebacks import user_frames

    if not isinstance(error, JobError):
        said = f"{type(error).__name__}: {error}"
        failure: JobError = UserCodeError(f"{function} raised {said}")
        failure.__cause__ = error
    else:
        failure = error
    if failure.where is None:
        failure.where = where
    if failure.user_traceback is None and isinstance(failure, UserCodeError):
        failure.user_traceback = user_frames(error)
    return failure


def map_pairs(result: Any, function: str = "mapfn") -> list[Pair]:
    """The pairs in what a mapfn returned: an iterable of them, a mapping, or None."""
    if result is None:
        return []
    if isinstance(result, Mapping):
        return list(result.items())
    if isinstance(result, str | bytes) or not isinstance(result, Iterable):
        raise UserCodeError(
            f"{function} returned {preview(result)}, which is not pairs",
            hint=f"{_PAIRS_HINT}. A mapping and None are taken too.",
        )
    return [_pair(item, function) for item in result]


def _pair(item: Any, function: str) -> Pair:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise UserCodeError(
            f"{function} gave {preview(item)}, which is not a (key, value) pair",
            hint=_PAIRS_HINT,
        )
    return item[0], item[1]


def reduced_pairs(
    reducefn: Callable[..., Any], key: Any, items: list[Any]
) -> list[Pair]:
    """The output pairs of one key."""
    if _is_builtin(reducefn):
        return [(key, reducefn(items))]
    values = _Values(items)
    try:
        result = reducefn(key, values)
        if isinstance(result, GeneratorType):
            pairs = [_pair(item, "reducefn") for item in result]
        else:
            pairs = [(key, result)]
        for pair in pairs:
            _check_kept(pair)
    finally:
        values.end()
    return pairs


def _check_kept(result: Any) -> None:
    """Refuse what would be read after its time: the values, or an iterator."""
    if isinstance(result, _Values | Iterator):
        what = "`values` itself" if isinstance(result, _Values) else preview(result)
        raise UserCodeError(
            f"the result of reducefn holds {what}, which ends with the call",
            hint=_VALUES_HINT,
        )
    if type(result) in (tuple, list, set, frozenset):
        for item in result:
            _check_kept(item)
    elif type(result) is dict:
        _check_kept([*result, *result.values()])


class _Values:
    """The values of one key: sized, iterable any number of times, not indexable."""

    __slots__ = ("_items",)

    def __init__(self, items: list[Any]) -> None:
        self._items: list[Any] | None = items

    def __len__(self) -> int:
        return len(self._live())

    def __iter__(self) -> Iterator[Any]:
        self._live()
        return (value for at in range(len(self)) for value in self._live()[at : at + 1])

    def __getitem__(self, index: object) -> NoReturn:
        raise UserCodeError(
            "values cannot be indexed: they may be larger than memory",
            hint="Iterate over it, as often as you like, or make a list:  list(values)",
        )

    def __repr__(self) -> str:
        if self._items is None:
            return "<the values of a reducer that returned>"
        return f"<{len(self):,} values>"

    def end(self) -> None:
        """The reducer returned: whoever kept this has kept too long."""
        self._items = None

    def _live(self) -> list[Any]:
        if self._items is None:
            raise UserCodeError(
                "`values` was used after the reducer had returned", hint=_VALUES_HINT
            )
        return self._items


def put_in_order(items: list[Any], choice: Any) -> list[Any]:
    """`items` sorted as `choice` asks: False, True, or a function of an item."""
    if choice is False:
        return items
    ranked = []
    for item in items:
        try:
            ranked.append(_Ranked(item, choice(item) if callable(choice) else item))
        except Exception as error:
            where = Where("sorting", key=preview(item))
            raise told(error, "the sort function", where) from error
    return [one.item for one in sorted(ranked)]


class _Ranked:
    """An item and what it is sorted by; NaN comes after everything else."""

    __slots__ = ("item", "rank")

    def __init__(self, item: Any, rank: Any) -> None:
        self.item = item
        self.rank = rank

    def __lt__(self, other: _Ranked) -> bool:
        mine, others = self.rank, other.rank
        try:
            if mine != mine or others != others:
                return bool(mine == mine)
            return bool(mine < others)
        except Exception as error:
            raise OrderError(
                f"{preview(mine)} ({type(mine).__name__}) and {preview(others)} "
                f"({type(others).__name__}) cannot be put in order",
                hint="Give a key function, as to sorted():  sort_keys=str",
            ) from error


def _is_builtin(function: object) -> bool:
    return any(function is one for one in REDUCE_BUILTINS)
