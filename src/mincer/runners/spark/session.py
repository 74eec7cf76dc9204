"""The context of a Spark application: one that is there, or a new one."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mincer.errors import (
    NoConnectionError,
    UsageError,
)
from mincer.limits import MEMORY_BYTES_MIN, parse_size
from mincer.runners.engine.reach import check_reachable
from mincer.worker.machine import cores

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["begun", "context_of", "memory_of", "slots_of"]

#: Of what Spark lets a Python worker take before it spills, what a task may take: the
#: rest is for what PySpark gathers.
_SHARE = 0.7


def context_of(session: Any) -> SparkContext:
    """The context of a session."""
    try:
        context: SparkContext = session.sparkContext
    except Exception as error:
        raise UsageError(
            "this is no session that the runner on Spark can use: "
            f"{type(session).__name__}",
            hint="It takes a SparkSession, a SparkContext or the address of a master. "
            "A session of Spark Connect has no RDDs.",
        ) from error
    return context


def begun(master: str | None, verbose: bool) -> SparkContext:
    """A new application."""
    from pyspark import SparkConf, SparkContext

    check_java()
    conf = SparkConf()
    if master is not None:
        check_reachable(
            master, "master of Spark", "Begin one:  start-master.sh  (of Spark)"
        )
        conf.setMaster(master)
    elif not conf.contains("spark.master"):
        conf.setMaster("local[*]")
    conf.setIfMissing("spark.app.name", "mincer")
    is_here = conf.get("spark.master", "").startswith("local")
    if is_here:
        conf.setIfMissing("spark.ui.enabled", "false")
    conf.setIfMissing("spark.ui.showConsoleProgress", "false")
    if sys.platform != "win32":
        # Over TCP each task waits 40 ms for an acknowledgement that is held back.
        conf.setIfMissing("spark.python.unix.domain.socket.enabled", "true")
    if not verbose:
        conf.setIfMissing("spark.log.level", "OFF")
    with said_aside(verbose) as said:
        try:
            context = SparkContext(conf=conf)
        except Exception as error:
            told = _first_line(error)
            tail = "\n".join(f"  {line}" for line in said()[-8:])
            raise NoConnectionError(
                f"Spark cannot be begun with the master "
                f"{conf.get('spark.master')}: {told}" + (f"\n{tail}" if tail else ""),
                hint="Is it a master's address, and can it be reached?",
            ) from error
    if is_here and "PYSPARK_PYTHON" not in os.environ:
        # Else the `python3` of the PATH, which need not have mincer: only spark-submit
        # looks at the setting.
        context.pythonExec = conf.get("spark.pyspark.python", sys.executable)
    return context


def slots_of(context: SparkContext) -> int:
    """How many tasks run at a time."""
    conf = context.getConf()
    if conf.get("spark.default.parallelism") is None:
        return max(1, int(context.defaultParallelism))  # the cores that there are
    # A number of partitions that somebody likes, which need not be that of the cores.
    local = re.fullmatch(r"local(?:\[(\d+|\*).*\])?", context.master)
    if local is not None:
        return cores() if local[1] == "*" else int(local[1] or 1)
    executors = int(conf.get("spark.executor.instances") or 1)
    return executors * int(conf.get("spark.executor.cores") or 1)


def check_java() -> None:
    """Say what to install where there is no Java."""
    import shutil

    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise UsageError(
            "Spark needs Java, and there is none here",
            hint="Debian: apt install default-jre-headless; or set JAVA_HOME.",
        )


@contextlib.contextmanager
def said_aside(verbose: bool) -> Iterator[Callable[[], list[str]]]:
    """What the processes that the body begins say on stderr goes aside, for as long as
    they live: they say things at their start that no setting turns off. Yields what
    tells the lines."""
    import tempfile

    if verbose:
        yield list
        return
    with tempfile.TemporaryFile() as aside:

        def said() -> list[str]:
            aside.seek(0)
            return aside.read().decode("utf-8", "replace").splitlines()

        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(own, 2)
            os.close(own)


def memory_of(context: SparkContext) -> int:
    """What a task of ours may take in a Python worker."""
    conf = context.getConf()
    whole = conf.get("spark.executor.pyspark.memory") or conf.get(
        "spark.python.worker.memory", "512m"
    )
    size = f"{whole}iB" if whole[-1:].isalpha() else f"{whole}MiB"
    size_bytes = parse_size(size.replace("biB", "iB"), "spark.python.worker.memory")
    return max(MEMORY_BYTES_MIN, int(size_bytes * _SHARE))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:500]
