"""The runner that the name of an engine stands for: one a process, until its end."""

# Strategy: results stay with the engine until they are asked for, so an engine that was
# begun for `runner="spark"` cannot end with the job. It ends with the process, as what
# its own users begin does; the next job of this process finds it.

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mincer.runners.base import Runner

__all__ = ["ENGINES", "engine", "sizes_hint"]

#: By name, the class of the runner.
ENGINES = {"spark": "Spark", "dask": "Dask", "ray": "Ray"}

_begun: dict[tuple[str, str | None], Runner] = {}


def engine(name: str, address: str | None = None, *, verbose: bool = False) -> Runner:
    """The runner of this engine, at this address, or wherever its own settings say.

    `verbose`: when it is begun here, let the engine say what it has to say.
    """
    if (name, address) not in _begun:
        _begun[name, address] = _kind(name)(address, verbose=verbose)
    return _begun[name, address]


def sizes_hint(name: str) -> str:
    """What is said to who gave a number of workers, or their memory."""
    hint: str = _kind(name).sizes_hint
    return hint


def _kind(name: str) -> Any:
    return getattr(import_module(f"mincer.runners.{name}"), ENGINES[name])
