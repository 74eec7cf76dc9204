"""Call reducefn for each key, and hand its output pairs on in columns."""

# Strategy: what a call returned decides, not what kind of function it was: a result
# that is a generator has yielded its output pairs (15 ns to ask), so lambdas, decorated
# and conditional generators work. Output is gathered into columns and written when it
# weighs enough, so that a reducer of large values holds few of them.

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any

from mincer.calls import (
    check_pair,
    gets_values_alone,
    instance_of,
    last_pairs,
    place_of_key,
    user_code,
)
from mincer.errors import Where
from mincer.flow.weigher import weigh_column
from mincer.values import ENDING, PLAIN, FileValues, Values, close_values, ended

__all__ = ["OutputColumns", "ReduceCall"]

#: Pairs and bytes of memory that are gathered before they are written.
_PAIRS_MAX = 1 << 13
_BYTES_MAX = 2 << 20

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
        self._alone = gets_values_alone(reducefn)
        self._function: Callable[..., Any]
        self._function, self._close = instance_of(reducefn, "reducefn")

    def each(
        self,
        groups: Iterable[tuple[Any, Values | FileValues]],
        add: Callable[[Any, Any], None],
    ) -> None:
        """Reduce every group; `add(key, value)` takes each output pair."""
        function, values_alone = self._function, self._alone
        key: Any = None
        values: Values | FileValues | None = None

        def place() -> Where | None:
            return None if values is None else place_of_key(key, values)

        with user_code("reducefn", place):
            for key, values in groups:
                result = function(values) if values_alone else function(key, values)
                if type(result) is GeneratorType:
                    for pair in result:
                        add(*_output_pair(pair))
                elif type(result) not in PLAIN and isinstance(result, ENDING):
                    raise ended(result)
                else:
                    add(key, result)
                close_values(values)
                values = None  # what fails from here to the next key is not of this one

    def last(self, add: Callable[[Any, Any], None]) -> None:
        """The pairs that the `close` of a class yields after the last key."""
        for key, value in last_pairs(self._close, "reducefn"):
            add(key, value)


def _output_pair(pair: Any) -> tuple[Any, Any]:
    if type(pair) is tuple and len(pair) == 2:
        return pair
    return check_pair(pair, "reducefn")
