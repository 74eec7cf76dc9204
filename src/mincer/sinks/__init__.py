"""Where the output of a job goes; a `Sink` of your own may stand as `output=` too."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mincer.sinks.base import Sink
    from mincer.sinks.files import FileSink
    from mincer.sinks.memory import MemorySink

__all__ = ["FileSink", "MemorySink", "Sink"]

_HOMES = {
    "FileSink": "mincer.sinks.files",
    "MemorySink": "mincer.sinks.memory",
    "Sink": "mincer.sinks.base",
}


def __getattr__(name: str) -> object:
    # A child that only needs the contract loads nothing else (PEP 562).
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'mincer.sinks' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
