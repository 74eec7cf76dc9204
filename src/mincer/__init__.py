"""MapReduce for Python: small enough to love, strong enough to trust."""

# Nothing else is imported before it is used (PEP 562): a worker that needs `count`
# alone pays for nothing else. `context` must come now: a module that is imported later
# takes its name in the package, and `mincer.context` would be the function no more.

from mincer.context import context, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mincer import compat, errors, sinks, sources, testing
    from mincer.api import Job, JobHandle, Pipeline
    from mincer.context import Context
    from mincer.job import by_range
    from mincer.runners.base import Progress
    from mincer.runners.cluster import Cluster
    from mincer.runners.dask import Dask
    from mincer.runners.local import Local
    from mincer.runners.ray import Ray
    from mincer.runners.report import Report
    from mincer.runners.results import Results
    from mincer.runners.serve import Serve
    from mincer.runners.spark import Spark
    from mincer.runners.worker import Worker

__all__ = [  # noqa: RUF022 (grouped by what they are for)
    # a job and what comes of it
    "Job", "Pipeline", "JobHandle", "Progress", "Results", "Report", "by_range",
    # inside user code
    "Context", "context", "count",
    # where it runs
    "Local", "Serve", "Cluster", "Worker", "Spark", "Dask", "Ray",
    # modules
    "compat", "errors", "sinks", "sources", "testing",
    "__version__",
]  # fmt: skip

__version__ = "0.1.0"

_HOMES = {
    "Cluster": "mincer.runners.cluster",
    "Context": "mincer.context",
    "Dask": "mincer.runners.dask",
    "Job": "mincer.api",
    "JobHandle": "mincer.api",
    "Local": "mincer.runners.local",
    "Pipeline": "mincer.api",
    "Progress": "mincer.runners.base",
    "Ray": "mincer.runners.ray",
    "Report": "mincer.runners.report",
    "Results": "mincer.runners.results",
    "Serve": "mincer.runners.serve",
    "Spark": "mincer.runners.spark",
    "Worker": "mincer.runners.worker",
    "by_range": "mincer.job",
}
_MODULES = frozenset({"compat", "errors", "sinks", "sources", "testing"})


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"mincer.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'mincer' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
