"""What a test of a job, or of a runner, source or sink of your own, can build on.

`digest(pairs)` compares outputs; `RunnerSuite` and `SinkSuite` (they need pytest) are
classes of test methods that every runner and every sink must pass.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mincer.testing.digests import digest
    from mincer.testing.sinks import SinkSuite
    from mincer.testing.suite import RunnerSuite

__all__ = ["RunnerSuite", "SinkSuite", "digest"]

_HOMES = {
    "RunnerSuite": "mincer.testing.suite",
    "SinkSuite": "mincer.testing.sinks",
    "digest": "mincer.testing.digests",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'mincer.testing' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    return value
