"""`Spark`: jobs on the executors of a Spark application."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mincer.errors import UsageError
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.closing import Closing
from mincer.runners.engine.job import EngineJob
from mincer.runners.results import Results
from mincer.runners.spark.application import Application
from mincer.runners.spark.session import begun, context_of, memory_of, slots_of

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["Spark"]


class Spark(Closing):
    """Runs jobs on Spark; see `mincer.runners.base.Runner`.

    `session`: a `SparkSession` or a `SparkContext`, which stays its owner's to stop; or
    the address of a master ("spark://…", "local[4]"). Without one: the session that
    this program has already, or else a new one as `spark-submit` and Spark's own
    settings say, on this machine if they say nothing; that ends with this runner.
    `verbose`: show what such a new one logs.
    """

    sizes_hint = (
        "They belong to Spark:  spark-submit --num-executors N --executor-memory SIZE "
        "--conf spark.python.worker.memory=SIZE"
    )

    def __init__(self, session: Any = None, *, verbose: bool = False) -> None:
        self._given = session
        self._verbose = verbose
        self._context: SparkContext | None = None
        #: True when this runner has begun the application, and stops it.
        self._is_own = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop what this runner has begun."""
        with self._lock:
            context, self._context = self._context, None
            if context is not None and self._is_own:
                self._is_own = False
                context.stop()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        context = self._connected()
        memory_bytes = memory_of(context)
        slots = slots_of(context)
        with EngineJob(
            order, control, "spark", slots, memory_bytes, streams=True
        ) as job:
            return Application(context, job, memory_bytes).run()

    def _connected(self) -> SparkContext:
        with self._lock:
            if self._context is None:
                self._context = self._connect()
            return self._context

    def _connect(self) -> SparkContext:
        try:
            from pyspark import SparkContext
        except ImportError as error:
            raise UsageError(
                "the runner on Spark needs its package",
                hint='pip install "mincer[spark]"',
            ) from error
        given = self._given
        if isinstance(given, SparkContext):
            return given
        if given is not None and not isinstance(given, str):
            return context_of(given)
        if given is None and SparkContext._active_spark_context is not None:
            return SparkContext._active_spark_context
        context = begun(given, self._verbose)
        self._is_own = True
        return context
