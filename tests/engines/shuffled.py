"""Two gigabytes through an engine's shuffle, and how much memory its processes take."""

import json
import os
import random
import sys
import threading

import psutil

import mincer

__all__ = ["SHUFFLED_BYTES", "Watched", "check"]

SPLITS, RECORDS, RECORD_BYTES, KEYS = 80, 250_000, 100, 20_000
SHUFFLED_BYTES = SPLITS * RECORDS * RECORD_BYTES


def mapfn(position, seed):
    chance = random.Random(seed)
    text = "x" * (RECORD_BYTES - 8)
    for n in range(RECORDS):
        yield chance.randrange(KEYS), f"{n:07d}{text}"


def reducefn(key, values):
    first = 0
    for value in values:
        first += int(value[:7])
    return len(values), first


JOB = mincer.Job(mapfn, reducefn, parts=64)


class Watched:
    """The most that each of some processes has had, looked at from outside.

    `is_it`: tells of a process whether it is one of them; `of_memory`: what of its
    memory counts.
    """

    def __init__(self, is_it, of_memory=lambda process: process.memory_info().rss):
        self.peaks = {}
        self._is_it = is_it
        self._of_memory = of_memory
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._over.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    if self._is_it(process):
                        size = self._of_memory(process)
                        self.peaks[process.pid] = max(
                            size, self.peaks.get(process.pid, 0)
                        )
                except psutil.Error:
                    continue

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()


def check(runner):
    """Run it; look at what came of it."""
    count = first = 0
    with JOB.run(list(range(SPLITS)), runner=runner, progress=False) as results:
        for _, (n, total) in results:
            count += n
            first += total
        assert len(results) == KEYS
        assert results.report.bytes_shuffled >= SHUFFLED_BYTES
    assert count == SPLITS * RECORDS
    assert first == SPLITS * RECORDS * (RECORDS - 1) // 2


def on_spark():
    import pyspark

    conf = pyspark.SparkConf().setMaster("local-cluster[2,1,512]")
    conf.set("spark.executor.memory", "512m").set("spark.log.level", "OFF")
    conf.set("spark.ui.enabled", "false")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    conf.set("spark.driver.bindAddress", "127.0.0.1")
    conf.set("spark.driver.host", "127.0.0.1")
    context = pyspark.SparkContext(conf=conf)
    with Watched(lambda process: "pyspark" in " ".join(process.cmdline())) as watched:
        check(mincer.Spark(context))
    context.stop()
    return watched


def on_dask():
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit="512MB",
        dashboard_address="127.0.0.1:0",
    )
    with cluster, Client(cluster) as client:
        pids = set(client.run(os.getpid).values())
        with Watched(lambda process: process.pid in pids) as watched:
            check(mincer.Dask(client))
        # None was ended for its memory and begun anew.
        assert set(client.run(os.getpid).values()) == pids
    return watched


def on_ray():
    import ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=512_000_000,
    )

    def own(process):
        """Without the object store, which is in the memory of each that uses it."""
        memory = process.memory_info()
        return memory.rss - memory.shared

    def is_it(process):
        return process.cmdline()[:1] and process.cmdline()[0].startswith("ray::")

    with Watched(is_it, own) as watched:
        check(mincer.Ray(memory="400MB"))
    ray.shutdown()
    return watched


if __name__ == "__main__":
    on = {"spark": on_spark, "dask": on_dask, "ray": on_ray}
    peaks = on[sys.argv[1]]().peaks
    print(json.dumps(sorted(peaks.values(), reverse=True)))
