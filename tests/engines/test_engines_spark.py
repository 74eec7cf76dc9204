"""The runner suite on Spark: two executors, each a process of its own."""

import sys

import pytest

from mincer.testing import RunnerSuite

pyspark = pytest.importorskip("pyspark")


@pytest.fixture(scope="module")
def context():
    conf = pyspark.SparkConf()
    conf.setMaster("local-cluster[2,1,512]").setAppName("mincer tests")
    conf.set("spark.executor.memory", "512m")
    conf.set("spark.pyspark.python", sys.executable)
    conf.set("spark.ui.enabled", "false")
    conf.set("spark.driver.bindAddress", "127.0.0.1")
    conf.set("spark.driver.host", "127.0.0.1")
    context = pyspark.SparkContext(conf=conf)
    context.setLogLevel("OFF")
    yield context
    context.stop()


class TestSpark(RunnerSuite):
    @pytest.fixture
    def runner(self, context):
        from mincer.runners.spark import Spark

        with Spark(context) as runner:
            yield runner
