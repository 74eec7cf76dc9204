"""Real engines on this machine, each with two processes of workers."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from storage import S3

# The jobs and programs of the exact comparisons.
sys.path.append(str(Path(__file__).resolve().parents[1] / "exact"))

from required import lacking


@pytest.fixture(scope="session")
def s3():
    """An S3 which all that is started after it finds."""
    server = S3()
    yield server
    server.close()


@pytest.fixture(scope="session")
def spark(s3):
    """The context of an application with two executors, each a process of its own."""
    try:
        import pyspark
    except ImportError as error:
        lacking("spark", str(error))
    if shutil.which("java") is None:
        lacking("java", "Spark needs Java")
    conf = pyspark.SparkConf()
    conf.setMaster("local-cluster[2,1,512]").setAppName("tests of mincer")
    conf.set("spark.executor.memory", "512m")
    os.environ["PYSPARK_PYTHON"] = sys.executable  # not the setting: PySpark ignores it
    conf.set("spark.ui.enabled", "false")
    conf.set("spark.ui.showConsoleProgress", "false")
    conf.set("spark.driver.bindAddress", "127.0.0.1")
    conf.set("spark.driver.host", "127.0.0.1")
    conf.set("spark.log.level", "OFF")
    context = pyspark.SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.fixture(scope="session")
def dask(s3):
    """The client of two worker processes."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        lacking("dask", str(error))
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def ray(s3):
    """A cluster of two processors."""
    try:
        import ray
    except ImportError as error:
        lacking("ray", str(error))
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    yield ray
    ray.shutdown()
