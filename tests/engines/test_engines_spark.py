"""Jobs on Spark, by real workers."""

import killed
import pytest
from engine_cases import EngineCases

import mincer


class TestSpark(EngineCases):
    @pytest.fixture
    def runner(self, spark):
        with mincer.Spark(spark) as runner:
            yield runner

    def test_a_python_worker_that_dies_in_a_reduce(self, runner, tmp_path):
        killed.check(runner, tmp_path)

    def test_an_executor_that_dies_in_a_reduce(self, runner, tmp_path):
        """What its maps had left there is made again."""
        killed.check(runner, tmp_path, kill="parent")
