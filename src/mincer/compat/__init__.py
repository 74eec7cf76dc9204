"""The two systems that mincer succeeds, by their own names: see docs/moving.md.

`from mincer.compat import mincemeat`, or `from mincer.compat.kaylee import Server,
Client`: a script that was written for one of them runs with that line changed.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mincer.compat import kaylee, mincemeat

__all__ = ["kaylee", "mincemeat"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'mincer.compat' has no attribute {name!r}")
    return import_module(f"mincer.compat.{name}")
