"""What a test of a job, or of a runner, source or sink of your own, can build on.

`digest(pairs)` compares outputs; `RunnerSuite` (it needs pytest) is a class of test
methods that every runner must pass.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mincer.testing.digests import digest
    from mincer.testing.suite import RunnerSuite

__all__ = ["RunnerSuite", "digest"]

_HOMES = {"RunnerSuite": "mincer.testing.suite", "digest": "mincer.testing.digests"}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'mincer.testing' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    return value
