"""Races on Spark, Dask or Ray, which stand meanwhile: `python -m benchmarks.on_engine`.

    python -m benchmarks.on_engine spark words 120m        (and a file for the result)

Our job and the fastest of the programs by hand run in turn, from the call to the last
byte of the output.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import digests, inputs
from benchmarks.pairs import in_turn, ratio

__all__ = ["main", "race_on"]

HERE = Path(__file__).resolve().parent
OUT = Path("build") / "bench"
_EQUAL = {"words": digests.lines, "json": digests.loose}


@contextmanager
def on_spark() -> Iterator[tuple[Any, Any]]:
    """The context, and mincer's runner."""
    import pyspark

    import mincer

    conf = pyspark.SparkConf().setMaster("local[2]").setAppName("bench")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.driver.memory": "6g",
        "spark.driver.maxResultSize": "0",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        conf.set(name, value)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    context = pyspark.SparkContext(conf=conf)
    yield context, mincer.Spark(context)
    context.stop()


@contextmanager
def on_dask() -> Iterator[tuple[Any, Any]]:
    from distributed import Client, LocalCluster

    import mincer

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    )
    with cluster, Client(cluster) as client:
        yield client, mincer.Dask(client)


@contextmanager
def on_ray() -> Iterator[tuple[Any, Any]]:
    import ray

    import mincer

    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    yield ray, mincer.Ray()
    ray.shutdown()


ENGINES = {"spark": on_spark, "dask": on_dask, "ray": on_ray}


def race_on(engine: str, kind: str, size: str) -> dict[str, Any]:
    """The figures of one race."""
    OUT.mkdir(parents=True, exist_ok=True)
    paths = [str(path.resolve()) for path in inputs.parts(kind, size)]
    folder = str(Path(paths[0]).parent)
    # Workers import the programs, and the job file looks for its input.
    for more in (HERE / "byhand", HERE / "jobs"):
        sys.path.insert(0, str(more))
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    os.environ["BENCH_INPUT"] = folder
    before = time.perf_counter()
    with ENGINES[engine]() as (handle, runner):
        start_s = time.perf_counter() - before
        return _raced(engine, kind, paths, handle, runner) | {
            "start_s": round(start_s, 3)
        }


def _raced(
    engine: str, kind: str, paths: list[str], handle: Any, runner: Any
) -> dict[str, Any]:
    said: set[Any] = set()

    def timed(run: Callable[[str], None]) -> float:
        out = OUT / f"{engine}-out"
        _remove(out)
        before = time.perf_counter()
        run(str(out))
        took_s = time.perf_counter() - before
        said.add(_EQUAL[kind](out))
        _remove(out)
        if len(said) != 1:
            raise SystemExit(f"error: the outputs differ: {said}")
        return took_s

    forms: dict[str, Any] = importlib.import_module(f"on_{engine}").FORMS[kind]
    # In turn, as an engine gets faster with what it has done.
    tried = dict.fromkeys(forms, math.inf)
    for _ in range(3):
        for name, form in forms.items():
            took_s = timed(lambda out, f=form: f(handle, paths, out))
            tried[name] = min(tried[name], took_s)
    best = min(tried, key=tried.__getitem__)
    job, source = _job(kind)

    def ours(out: str) -> None:
        job.run(source or paths, runner=runner, output=out, progress=False).close()

    timed(ours)
    pairs = in_turn(
        lambda: timed(ours),
        lambda: timed(lambda out: forms[best](handle, paths, out)),
        lambda took_s: took_s,
    )
    middle, sure = ratio(pairs)
    return {
        "ours_s": round(median(one for one, _ in pairs), 3),
        "theirs_s": round(median(other for _, other in pairs), 3),
        "theirs": best,
        "opponents_s": {name: round(took, 3) for name, took in tried.items()},
        "pairs": len(pairs),
        "ratio": round(middle, 4),
        "low": round(sure.low, 4),
        "high": round(sure.high, 4),
    }


def _job(kind: str) -> tuple[Any, Any]:
    if kind == "words":
        return importlib.import_module("words").by_sum, None
    module = importlib.import_module("group")
    return module.job, module.source


def _remove(out: Path) -> None:
    import shutil

    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def main() -> None:
    engine, kind, size, *result = sys.argv[1:]
    figures = race_on(engine, kind, size)
    print(json.dumps(figures))
    if result:
        Path(result[0]).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
