"""Call reducefn for each key, and hand its output pairs on in columns."""

# Strategy: what a call returned decides, not what kind of function it was: a result
# that is a generator has yielded its output pairs (15 ns to ask), so lambdas, decorated
# and conditional generators work. Output is gathered into columns and written when it
# weighs enough, so that a reducer of large values holds few of them.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import GeneratorType
from typing import Any

from mincer.codec.tracebacks import user_frames
from mincer.errors import MincerError, UserCodeError, Where, preview
from mincer.flow.calls import check_pair, instance_of
from mincer.flow.values import FileValues, Values, close_values
from mincer.flow.weigher import weigh_column

__all__ = ["OutputColumns", "ReduceCall", "alone", "place_of"]

#: Pairs and bytes of memory that are gathered before they are written.
_PAIRS_MAX = 1 << 13
_BYTES_MAX = 2 << 20

#: The builtins that may stand as reducefn; they get the values alone.
alone = frozenset({sum, min, max, any, all, len, list, set, sorted})

Write = Callable[[list[Any], list[Any]], None]


class OutputColumns:
    """Gathers output pairs and writes them in columns of bounded weight."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._keys: list[Any] = []
        self._values: list[Any] = []
        self._look_at = 1
        self.pairs = 0

    def add(self, key: Any, value: Any) -> None:
        self._keys.append(key)
        self._values.append(value)
        if len(self._keys) >= self._look_at:
            self._look()

    def _look(self) -> None:
        """Weigh what is gathered, each time that there is twice as much: so that one
        large value after many small ones is not followed by thousands."""
        count = len(self._keys)
        each = weigh_column(self._keys) + weigh_column(self._values)
        if count >= _PAIRS_MAX or count * each >= _BYTES_MAX:
            self.flush()
        else:
            self._look_at = 2 * count

    def add_columns(self, keys: list[Any], values: list[Any]) -> None:
        """Write whole columns behind what was added before."""
        self.flush()
        self.pairs += len(keys)
        for at in range(0, len(keys), _PAIRS_MAX):
            self._write(keys[at : at + _PAIRS_MAX], values[at : at + _PAIRS_MAX])

    def flush(self) -> None:
        if not self._keys:
            return
        keys, values = self._keys, self._values
        self._keys, self._values, self._look_at = [], [], 1
        self.pairs += len(keys)
        self._write(keys, values)


class ReduceCall:
    """One attempt's reducefn: a function, a builtin, or a class built once."""

    def __init__(self, reducefn: Any) -> None:
        self._alone = any(reducefn is one for one in alone)
        built, self._close = (reducefn, None) if self._alone else instance_of(reducefn)
        self._function: Callable[..., Any] = built

    def each(
        self,
        groups: Iterable[tuple[Any, Values | FileValues]],
        add: Callable[[Any, Any], None],
    ) -> None:
        """Reduce every group; `add(key, value)` takes each output pair."""
        function, values_alone = self._function, self._alone
        key: Any = None
        where_values: Values | FileValues | None = None
        try:
            for key, values in groups:
                where_values = values
                result = function(values) if values_alone else function(key, values)
                if type(result) is GeneratorType:
                    for pair in result:
                        add(*_output_pair(pair))
                elif isinstance(result, (Iterator, Values, FileValues)):
                    raise _held(result)
                else:
                    add(key, result)
                close_values(values)
        except MincerError as error:
            raise _told(error, key, where_values) from error.__cause__
        except Exception as error:
            raise _raised(error, key, where_values) from error

    def last(self, add: Callable[[Any, Any], None]) -> None:
        """The pairs that the `close` of a class yields after the last key."""
        if self._close is None:
            return
        try:
            for pair in self._close() or ():
                add(*_output_pair(pair))
        except MincerError:
            raise
        except Exception as error:
            raise _raised(error, None, None) from error


def _output_pair(pair: Any) -> tuple[Any, Any]:
    if type(pair) is tuple and len(pair) == 2:
        return pair
    return check_pair(pair, "reducefn")


def _held(result: object) -> UserCodeError:
    what = (
        "`values` itself"
        if isinstance(result, (Values, FileValues))
        else f"an iterator ({type(result).__name__})"
    )
    return UserCodeError(
        f"reducefn returned {what}, which ends with the call",
        hint="Return what is in it, such as list(values).",
    )


def place_of(key: Any, values: Values | FileValues | None) -> Where:
    """How an error names the key at which it happened."""
    count = "" if values is None else f" with {len(values):,} values"
    return Where(f"a key{count}", key=preview(key))


def _told(
    error: MincerError, key: Any, values: Values | FileValues | None
) -> MincerError:
    """The same error, with the key that it happened at."""
    if error.where is None and values is not None:
        error.where = place_of(key, values)
    return error


def _raised(
    error: Exception, key: Any, values: Values | FileValues | None
) -> UserCodeError:
    return UserCodeError(
        f"reducefn raised {type(error).__name__}: {error}",
        where=None if values is None else place_of(key, values),
        user_traceback=user_frames(error),
    )
